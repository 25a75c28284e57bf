import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    GenerationMixin,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput


class RookConfig(PretrainedConfig):
    model_type = "rook"

    def __init__(
        self,
        vocab_size=50000,
        d_model=512,
        encoder_layers=6,
        decoder_layers=6,
        encoder_attention_heads=8,
        decoder_attention_heads=8,
        encoder_ffn_dim=2048,
        decoder_ffn_dim=2048,
        max_position_embeddings=512,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        is_encoder_decoder=True,
        tie_word_embeddings=True,
        **kwargs,
    ):
        self.vocab_size = vocab_size
        self.d_model = d_model
        self.encoder_layers = encoder_layers
        self.decoder_layers = decoder_layers
        self.encoder_attention_heads = encoder_attention_heads
        self.decoder_attention_heads = decoder_attention_heads
        self.encoder_ffn_dim = encoder_ffn_dim
        self.decoder_ffn_dim = decoder_ffn_dim
        self.max_position_embeddings = max_position_embeddings
        super().__init__(
            pad_token_id=pad_token_id,
            bos_token_id=bos_token_id,
            eos_token_id=eos_token_id,
            decoder_start_token_id=decoder_start_token_id,
            is_encoder_decoder=is_encoder_decoder,
            tie_word_embeddings=tie_word_embeddings,
            **kwargs,
        )


class RookEncoder(PreTrainedModel):
    config_class = RookConfig

    def __init__(self, config, embed):
        super().__init__(config)
        self.embed = embed
        self.pos = nn.Embedding(config.max_position_embeddings, config.d_model)
        self.layers = nn.ModuleList(
            [
                nn.TransformerEncoderLayer(
                    config.d_model, config.encoder_attention_heads, config.encoder_ffn_dim, 0.0, batch_first=True
                )
                for _ in range(config.encoder_layers)
            ]
        )

    def forward(self, input_ids=None, attention_mask=None, **kwargs):
        h = self.embed(input_ids) + self.pos.weight[: input_ids.shape[1]]
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=None if attention_mask is None else attention_mask == 0)
        return BaseModelOutput(last_hidden_state=h)


class RookForConditionalGeneration(PreTrainedModel, GenerationMixin):
    config_class = RookConfig
    base_model_prefix = "rook"
    _tied_weights_keys = {"lm_head.weight": "shared.weight", "encoder.embed.weight": "shared.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.shared = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder = RookEncoder(config, self.shared)
        self.pos = nn.Embedding(config.max_position_embeddings, config.d_model)
        self.layers = nn.ModuleList(
            [
                nn.TransformerDecoderLayer(
                    config.d_model, config.decoder_attention_heads, config.decoder_ffn_dim, 0.0, batch_first=True
                )
                for _ in range(config.decoder_layers)
            ]
        )
        self.lm_head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.post_init()

    def get_encoder(self, modality=None):
        return self.encoder

    def get_input_embeddings(self):
        return self.shared

    def get_output_embeddings(self):
        return self.lm_head

    def prepare_inputs_for_generation(self, decoder_input_ids, encoder_outputs=None, attention_mask=None, **kwargs):
        return {
            "input_ids": None,
            "encoder_outputs": encoder_outputs,
            "attention_mask": attention_mask,
            "decoder_input_ids": decoder_input_ids,
        }

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        decoder_input_ids=None,
        encoder_outputs=None,
        labels=None,
        return_dict=None,
        **kwargs,
    ):
        if encoder_outputs is None:
            encoder_outputs = self.encoder(input_ids, attention_mask)
        h = self.shared(decoder_input_ids) + self.pos.weight[: decoder_input_ids.shape[1]]
        t = h.shape[1]
        causal = torch.ones(t, t, dtype=torch.bool, device=h.device).triu(1)
        for layer in self.layers:
            h = layer(
                h,
                encoder_outputs[0],
                tgt_mask=causal,
                memory_key_padding_mask=None if attention_mask is None else attention_mask == 0,
            )
        return Seq2SeqLMOutput(logits=self.lm_head(h), encoder_last_hidden_state=encoder_outputs[0])


AutoConfig.register("rook", RookConfig)
AutoModelForSeq2SeqLM.register(RookConfig, RookForConditionalGeneration)
