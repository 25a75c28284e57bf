"""Vision-text: nested configs, a tower of its own, image tokens in the text, on top of an in-tree language model."""

from torch import nn
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    GenerationMixin,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import CausalLMOutputWithPast


class OwlVisionConfig(PretrainedConfig):
    model_type = "owl_vision"
    base_config_key = "vision_config"

    def __init__(self, image_size=336, patch_size=14, num_channels=3, hidden_size=1024, **kwargs):
        super().__init__(**kwargs)
        self.image_size, self.patch_size, self.num_channels, self.hidden_size = (
            image_size,
            patch_size,
            num_channels,
            hidden_size,
        )


class OwlConfig(PretrainedConfig):
    model_type = "owl_vl"
    sub_configs = {"vision_config": OwlVisionConfig, "text_config": AutoConfig}

    def __init__(self, vision_config=None, text_config=None, image_token_id=32000, **kwargs):
        if isinstance(vision_config, dict):
            vision_config = OwlVisionConfig(**vision_config)
        self.vision_config = vision_config or OwlVisionConfig()
        if isinstance(text_config, dict):
            text_config = CONFIG_MAPPING[text_config.get("model_type", "llama")](**text_config)
        self.text_config = text_config or CONFIG_MAPPING["llama"]()
        self.image_token_id = image_token_id
        super().__init__(**kwargs)


class OwlForConditionalGeneration(PreTrainedModel, GenerationMixin):
    config_class = OwlConfig

    def __init__(self, config):
        super().__init__(config)
        v = config.vision_config
        self.tower = nn.Conv2d(v.num_channels, v.hidden_size, v.patch_size, v.patch_size)
        self.project = nn.Linear(v.hidden_size, config.text_config.hidden_size)
        self.language = AutoModel.from_config(config.text_config)
        self.lm_head = nn.Linear(config.text_config.hidden_size, config.text_config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.language.get_input_embeddings()

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        pixel_values=None,
        past_key_values=None,
        inputs_embeds=None,
        use_cache=None,
        cache_position=None,
        **kwargs,
    ):
        x = self.get_input_embeddings()(input_ids)
        if pixel_values is not None and (past_key_values is None or past_key_values.get_seq_length() == 0):
            f = self.project(self.tower(pixel_values).flatten(2).transpose(1, 2))
            mask = input_ids == self.config.image_token_id
            if mask.sum() != f.shape[0] * f.shape[1]:
                raise ValueError(f"{int(mask.sum())} image tokens, {f.shape[0] * f.shape[1]} features")
            x = x.masked_scatter(mask[..., None], f.to(x.dtype))
        out = self.language(
            inputs_embeds=x, attention_mask=attention_mask, past_key_values=past_key_values, use_cache=use_cache
        )
        return CausalLMOutputWithPast(logits=self.lm_head(out.last_hidden_state), past_key_values=out.past_key_values)

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None, pixel_values=None, **kwargs):
        model_inputs = super().prepare_inputs_for_generation(input_ids, past_key_values=past_key_values, **kwargs)
        model_inputs["pixel_values"] = pixel_values
        return model_inputs


AutoConfig.register("owl_vision", OwlVisionConfig)
AutoConfig.register("owl_vl", OwlConfig)
AutoModelForImageTextToText.register(OwlConfig, OwlForConditionalGeneration)
