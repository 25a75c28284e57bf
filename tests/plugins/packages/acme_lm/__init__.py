from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

from .configuration_acme_lm import AcmeLmConfig
from .modeling_acme_lm import AcmeLmForCausalLM, AcmeLmModel
from .tokenization_acme_lm import AcmeLmTokenizer

AutoConfig.register("acme_lm", AcmeLmConfig)
AutoModel.register(AcmeLmConfig, AcmeLmModel)
AutoModelForCausalLM.register(AcmeLmConfig, AcmeLmForCausalLM)
AutoTokenizer.register(AcmeLmConfig, fast_tokenizer_class=AcmeLmTokenizer)
