"""A vision classifier with stages, batch norm and a ModelOutput."""

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForImageClassification, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling, ImageClassifierOutput


class SillConfig(PretrainedConfig):
    model_type = "sill-vision"

    def __init__(
        self,
        image_size=224,
        patch_size=16,
        num_channels=3,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        mlp_ratio=4.0,
        layer_scale=1e-5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_size = image_size
        self.patch_size = patch_size
        self.num_channels = num_channels
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.mlp_ratio = mlp_ratio
        self.layer_scale = layer_scale


class Mixer(nn.Module):
    def __init__(self, config):
        super().__init__()
        patches = (config.image_size // config.patch_size) ** 2
        self.tokens = nn.Linear(patches, patches)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.mlp = nn.Sequential(
            nn.Linear(config.hidden_size, int(config.hidden_size * config.mlp_ratio)),
            nn.GELU(),
            nn.Linear(int(config.hidden_size * config.mlp_ratio), config.hidden_size),
        )
        self.scale = nn.Parameter(torch.full((config.hidden_size,), config.layer_scale))

    def forward(self, hidden):
        hidden = hidden + self.tokens(self.norm(hidden).transpose(1, 2)).transpose(1, 2)
        return hidden + self.scale * self.mlp(hidden)


class SillPreTrainedModel(PreTrainedModel):
    config_class = SillConfig
    base_model_prefix = "sill"
    main_input_name = "pixel_values"


class SillModel(SillPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.patches = nn.Conv2d(config.num_channels, config.hidden_size, config.patch_size, config.patch_size)
        self.norm = nn.BatchNorm1d(config.hidden_size)
        self.layers = nn.ModuleList(Mixer(config) for _ in range(config.num_hidden_layers))
        self.post_init()

    def forward(self, pixel_values=None, output_hidden_states=None, return_dict=None):
        hidden = self.norm(self.patches(pixel_values).flatten(2)).transpose(1, 2)
        for layer in self.layers:
            hidden = layer(hidden)
        return BaseModelOutputWithPooling(last_hidden_state=hidden, pooler_output=hidden.mean(1))


class SillForImageClassification(SillPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.sill = SillModel(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, pixel_values=None, labels=None, output_hidden_states=None, return_dict=None):
        logits = self.classifier(self.sill(pixel_values).pooler_output)
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return ImageClassifierOutput(loss=loss, logits=logits)


AutoConfig.register("sill-vision", SillConfig)
AutoModel.register(SillConfig, SillModel)
AutoModelForImageClassification.register(SillConfig, SillForImageClassification)
