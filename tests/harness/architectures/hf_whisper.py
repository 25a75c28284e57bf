"""A skill of Whisper written by hand, for the tests of the harness."""

from harness.inputs import Floats, Tokens
from harness.skill import Head, Skill


class Whisper(Skill):
    """Tiny Whisper."""

    model_type = "whisper"
    family = "speech"
    tier = "critical"
    modalities = ("audio",)
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "WhisperConfig"
    config = {
        "vocab_size": 99,
        "num_mel_bins": 16,
        "d_model": 32,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 48,
        "max_source_positions": 32,
        "max_target_positions": 32,
        "decoder_start_token_id": 3,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "suppress_tokens": [],
        "begin_suppress_tokens": [],
    }
    heads = (
        Head(
            "WhisperForConditionalGeneration",
            mappings=(),
            primary=True,
            inputs={
                "input_features": Floats(shape=(2, 16, 64)),
                "decoder_input_ids": Tokens(shape=(2, 6), low=4, high=99),
            },
            outputs={"logits": ((2, 6, 99), "float32"), "encoder_last_hidden_state": ((2, 32, 32), "float32")},
            parameters=48416,
            batch=2,
            generation={"max_new_tokens": 5, "inputs": ("input_features",)},
        ),
    )


if __name__ == "__main__":
    raise SystemExit(Whisper.main())
