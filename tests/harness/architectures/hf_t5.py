"""A skill of T5 written by hand, for the tests of the harness."""

from harness.inputs import Mask, Tokens
from harness.skill import Head, Skill


class T5(Skill):
    """Tiny T5."""

    model_type = "t5"
    family = "encoder-decoder"
    tier = "high"
    modalities = ("text",)
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "T5Config"
    config = {
        "vocab_size": 99,
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 48,
        "num_layers": 2,
        "num_heads": 4,
        "decoder_start_token_id": 0,
        "pad_token_id": 0,
        "eos_token_id": 1,
    }
    heads = (
        Head(
            "T5ForConditionalGeneration",
            mappings=(),
            primary=True,
            inputs={
                "input_ids": Tokens(shape=(2, 12), low=4, high=99),
                "attention_mask": Mask(shape=(2, 12)),
                "decoder_input_ids": Tokens(shape=(2, 6), low=4, high=99),
            },
            outputs={"logits": ((2, 6, 99), "float32"), "encoder_last_hidden_state": ((2, 12, 32), "float32")},
            parameters=40672,
            batch=2,
            generation={"max_new_tokens": 5, "inputs": ("input_ids", "attention_mask")},
        ),
    )


if __name__ == "__main__":
    raise SystemExit(T5.main())
