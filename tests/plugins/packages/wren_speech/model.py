from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutput, SequenceClassifierOutput


class WrenConfig(PretrainedConfig):
    model_type = "wren"

    def __init__(
        self,
        vocab_size=1024,
        num_mel_bins=80,
        hidden_size=512,
        num_hidden_layers=16,
        num_attention_heads=8,
        conv_kernel_size=31,
        subsampling_factor=4,
        pad_token_id=0,
        ctc_loss_reduction="mean",
        **kwargs,
    ):
        self.vocab_size = vocab_size
        self.num_mel_bins = num_mel_bins
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.conv_kernel_size = conv_kernel_size
        self.subsampling_factor = subsampling_factor
        self.ctc_loss_reduction = ctc_loss_reduction
        super().__init__(pad_token_id=pad_token_id, **kwargs)


class WrenPre(PreTrainedModel):
    config_class = WrenConfig
    base_model_prefix = "wren"
    main_input_name = "input_features"

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(0.0, 0.02)


class WrenModel(WrenPre):
    def __init__(self, config):
        super().__init__(config)
        self.down = nn.Conv1d(config.num_mel_bins, config.hidden_size, 3, config.subsampling_factor, 1)
        self.layers = nn.ModuleList(
            [
                nn.TransformerEncoderLayer(
                    config.hidden_size, config.num_attention_heads, 2 * config.hidden_size, 0.0, batch_first=True
                )
                for _ in range(config.num_hidden_layers)
            ]
        )
        self.post_init()

    def forward(self, input_features=None, attention_mask=None, **kwargs):
        h = self.down(input_features.transpose(1, 2)).transpose(1, 2)
        m = None if attention_mask is None else attention_mask[:, :: self.config.subsampling_factor] == 0
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=m)
        return BaseModelOutput(last_hidden_state=h)


class WrenForCTC(WrenPre):
    def __init__(self, config):
        super().__init__(config)
        self.wren = WrenModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def forward(self, input_features=None, attention_mask=None, labels=None, **kwargs):
        return CausalLMOutput(logits=self.lm_head(self.wren(input_features, attention_mask)[0]))


class WrenForAudioClassification(WrenPre):
    def __init__(self, config):
        super().__init__(config)
        self.wren = WrenModel(config)
        self.head = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_features=None, attention_mask=None, labels=None, **kwargs):
        return SequenceClassifierOutput(logits=self.head(self.wren(input_features, attention_mask)[0].mean(1)))
