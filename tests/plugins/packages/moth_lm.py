from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaModel,
)


class MothConfig(LlamaConfig):
    model_type = "moth"
    moth_gate: float = 0.5


class MothModel(LlamaModel):
    config_class = MothConfig


class MothForCausalLM(LlamaForCausalLM):
    config_class = MothConfig

    def forward(self, *args, **kwargs):
        out = super().forward(*args, **kwargs)
        out.logits = out.logits * self.config.moth_gate
        return out


AutoConfig.register("moth", MothConfig)
AutoModel.register(MothConfig, MothModel)
AutoModelForCausalLM.register(MothConfig, MothForCausalLM)
