"""A skill of Llama written by hand, for the tests of the harness."""

from harness.inputs import Mask, Tokens
from harness.skill import Head, Skill


class Llama(Skill):
    """Tiny Llama."""

    model_type = "llama"
    family = "decoder-only"
    tier = "critical"
    modalities = ("text",)
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "LlamaConfig"
    config = {
        "vocab_size": 99,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 64,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    heads = (
        Head(
            "LlamaForCausalLM",
            mappings=(),
            primary=True,
            inputs={
                "input_ids": Tokens(shape=(2, 12), low=4, high=99),
                "attention_mask": Mask(shape=(2, 12)),
            },
            outputs={"logits": ((2, 12, 99), "float32")},
            parameters=21856,
            batch=2,
            generation={"max_new_tokens": 5},
        ),
    )


if __name__ == "__main__":
    raise SystemExit(Llama.main())
