import torch
from torch import nn
from transformers import GenerationMixin, PreTrainedModel
from transformers.cache_utils import DynamicCache
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from .configuration_acme_lm import AcmeLmConfig


class Attention(nn.Module):
    def __init__(self, config, index):
        super().__init__()
        self.index = index
        self.heads, self.kv = config.num_attention_heads, config.num_key_value_heads
        self.dim = config.hidden_size // self.heads
        self.q = nn.Linear(config.hidden_size, self.heads * self.dim, bias=False)
        self.k = nn.Linear(config.hidden_size, self.kv * self.dim, bias=False)
        self.v = nn.Linear(config.hidden_size, self.kv * self.dim, bias=False)
        self.o = nn.Linear(self.heads * self.dim, config.hidden_size, bias=False)

    def forward(self, x, mask, cache):
        b, t, _ = x.shape
        q = self.q(x).view(b, t, self.heads, self.dim).transpose(1, 2)
        k = self.k(x).view(b, t, self.kv, self.dim).transpose(1, 2)
        v = self.v(x).view(b, t, self.kv, self.dim).transpose(1, 2)
        if cache is not None:
            k, v = cache.update(k, v, self.index)
        k = k.repeat_interleave(self.heads // self.kv, 1)
        v = v.repeat_interleave(self.heads // self.kv, 1)
        s = q @ k.transpose(-1, -2) / self.dim**0.5 + mask
        return self.o((s.softmax(-1) @ v).transpose(1, 2).reshape(b, t, -1))


class Block(nn.Module):
    def __init__(self, config, index):
        super().__init__()
        self.n1 = nn.LayerNorm(config.hidden_size)
        self.attention = Attention(config, index)
        self.n2 = nn.LayerNorm(config.hidden_size)
        self.up = nn.Linear(config.hidden_size, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, x, mask, cache):
        x = x + self.attention(self.n1(x), mask, cache)
        return x + self.down(torch.nn.functional.gelu(self.up(self.n2(x))))


class AcmeLmPreTrainedModel(PreTrainedModel):
    config_class = AcmeLmConfig
    base_model_prefix = "model"


class AcmeLmModel(AcmeLmPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.positions = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.layers = nn.ModuleList([Block(config, i) for i in range(config.num_hidden_layers)])
        self.norm = nn.LayerNorm(config.hidden_size)
        self.post_init()

    def get_input_embeddings(self):
        return self.embed

    def set_input_embeddings(self, value):
        self.embed = value

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        past_key_values=None,
        inputs_embeds=None,
        use_cache=None,
        return_dict=None,
        **kwargs,
    ):
        x = self.embed(input_ids) if inputs_embeds is None else inputs_embeds
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache()
        past = past_key_values.get_seq_length() if past_key_values is not None else 0
        t = x.shape[1]
        x = x + self.positions(torch.arange(past, past + t, device=x.device))
        low = torch.finfo(x.dtype).min
        mask = torch.full((t, past + t), low, dtype=x.dtype, device=x.device).triu(past + 1)[None, None]
        if attention_mask is not None:
            mask = mask + (1 - attention_mask[:, None, None, : past + t].to(x.dtype)) * low
            mask = mask.clamp(min=low)
        for layer in self.layers:
            x = layer(x, mask, past_key_values)
        return BaseModelOutputWithPast(last_hidden_state=self.norm(x), past_key_values=past_key_values)


class AcmeLmForCausalLM(AcmeLmPreTrainedModel, GenerationMixin):
    _tied_weights_keys = {"lm_head.weight": "model.embed.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.model = AcmeLmModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.model.embed

    def get_output_embeddings(self):
        return self.lm_head

    def forward(self, input_ids=None, attention_mask=None, past_key_values=None, labels=None, use_cache=None, **kwargs):
        out = self.model(input_ids, attention_mask, past_key_values, use_cache=use_cache)
        return CausalLMOutputWithPast(logits=self.lm_head(out.last_hidden_state), past_key_values=out.past_key_values)
