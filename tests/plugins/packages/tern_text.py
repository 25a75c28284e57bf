"""A text classifier in one file, in plain torch: tuples for outputs, no _init_weights, registered by a function."""

from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PretrainedConfig, PreTrainedModel


class TernConfig(PretrainedConfig):
    model_type = "tern"

    def __init__(
        self,
        vocab_size=30522,
        dim=768,
        n_layers=6,
        n_heads=12,
        hidden_dim=3072,
        max_position_embeddings=512,
        num_labels=2,
        pad_token_id=0,
        **kwargs,
    ):
        super().__init__(num_labels=num_labels, pad_token_id=pad_token_id, **kwargs)
        self.vocab_size = vocab_size
        self.dim = dim
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.hidden_dim = hidden_dim
        self.max_position_embeddings = max_position_embeddings


class TernModel(PreTrainedModel):
    config_class = TernConfig

    def __init__(self, config):
        super().__init__(config)
        self.words = nn.Embedding(config.vocab_size, config.dim)
        self.places = nn.Embedding(config.max_position_embeddings, config.dim)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(config.dim, config.n_heads, config.hidden_dim, 0.0, batch_first=True)
            for _ in range(config.n_layers)
        )
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        hidden = self.words(input_ids) + self.places.weight[: input_ids.shape[1]]
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=None if attention_mask is None else attention_mask == 0)
        return (hidden,)


class TernForSequenceClassification(PreTrainedModel):
    config_class = TernConfig

    def __init__(self, config):
        super().__init__(config)
        self.tern = TernModel(config)
        self.classifier = nn.Linear(config.dim, config.num_labels)
        self.post_init()

    def forward(self, input_ids, attention_mask=None, labels=None):
        logits = self.classifier(self.tern(input_ids, attention_mask)[0][:, 0])
        if labels is None:
            return (logits,)
        return nn.functional.cross_entropy(logits, labels), logits


def register():
    AutoConfig.register("tern", TernConfig)
    AutoModel.register(TernConfig, TernModel)
    AutoModelForSequenceClassification.register(TernConfig, TernForSequenceClassification)
