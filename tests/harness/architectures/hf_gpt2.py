"""A skill of GPT2 written by hand, for the tests of the harness."""

from harness.inputs import Mask, Tokens
from harness.skill import Head, Skill


class GPT2(Skill):
    """Tiny GPT2."""

    model_type = "gpt2"
    family = "decoder-only"
    tier = "critical"
    modalities = ("text",)
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "GPT2Config"
    config = {
        "vocab_size": 99,
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": 64,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    heads = (
        Head(
            "GPT2LMHeadModel",
            mappings=(),
            primary=True,
            inputs={
                "input_ids": Tokens(shape=(2, 12), low=4, high=99),
                "attention_mask": Mask(shape=(2, 12)),
            },
            outputs={"logits": ((2, 12, 99), "float32")},
            parameters=30688,
            batch=2,
            generation={"max_new_tokens": 5},
        ),
    )


if __name__ == "__main__":
    raise SystemExit(GPT2.main())
