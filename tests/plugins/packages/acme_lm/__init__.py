from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from .configuration_acme_lm import AcmeLmConfig
from .modeling_acme_lm import AcmeLmForCausalLM, AcmeLmModel

AutoConfig.register("acme_lm", AcmeLmConfig)
AutoModel.register(AcmeLmConfig, AcmeLmModel)
AutoModelForCausalLM.register(AcmeLmConfig, AcmeLmForCausalLM)
