"""A skill of CLIP written by hand, for the tests of the harness."""

from harness.inputs import Floats, Mask, Tokens
from harness.skill import Head, Skill


class CLIP(Skill):
    """Tiny CLIP."""

    model_type = "clip"
    family = "vision-text"
    tier = "critical"
    modalities = ("image", "text")
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "CLIPConfig"
    config = {
        "projection_dim": 24,
        "text_config": {
            "vocab_size": 99,
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 48,
            "max_position_embeddings": 32,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
        },
        "vision_config": {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 48,
            "image_size": 16,
            "patch_size": 4,
        },
    }
    heads = (
        Head(
            "CLIPModel",
            mappings=(),
            primary=True,
            inputs={
                "input_ids": Tokens(shape=(2, 12), low=4, high=99),
                "attention_mask": Mask(shape=(2, 12)),
                "pixel_values": Floats(shape=(2, 3, 16, 16)),
            },
            outputs={
                "logits_per_image": ((2, 2), "float32"),
                "logits_per_text": ((2, 2), "float32"),
                "text_embeds": ((2, 24), "float32"),
                "image_embeds": ((2, 24), "float32"),
                "text_model_output.last_hidden_state": ((2, 12, 32), "float32"),
                "text_model_output.pooler_output": ((2, 24), "float32"),
                "vision_model_output.last_hidden_state": ((2, 17, 32), "float32"),
                "vision_model_output.pooler_output": ((2, 24), "float32"),
            },
            parameters=38049,
            batch=2,
        ),
    )


if __name__ == "__main__":
    raise SystemExit(CLIP.main())
