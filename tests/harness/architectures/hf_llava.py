"""A skill of Llava written by hand, for the tests of the harness."""

from harness.inputs import Floats, Mask, Tokens
from harness.skill import Head, Skill


class Llava(Skill):
    """Tiny Llava."""

    model_type = "llava"
    family = "multimodal"
    tier = "critical"
    modalities = ("image", "text")
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "LlavaConfig"
    config = {
        "image_token_index": 98,
        "text_config": {
            "model_type": "llama",
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
        },
        "vision_config": {
            "model_type": "clip_vision_model",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 48,
            "image_size": 16,
            "patch_size": 4,
            "projection_dim": 32,
        },
    }
    heads = (
        Head(
            "LlavaForConditionalGeneration",
            mappings=(),
            primary=True,
            inputs={
                "input_ids": Tokens(shape=(2, 24), low=4, high=98, runs=((98, 2, 16),)),
                "attention_mask": Mask(shape=(2, 24)),
                "pixel_values": Floats(shape=(2, 3, 16, 16)),
            },
            outputs={"logits": ((2, 24, 99), "float32"), "image_hidden_states": ((32, 32), "float32")},
            parameters=41216,
            batch=2,
            generation={"max_new_tokens": 5},
        ),
    )


if __name__ == "__main__":
    raise SystemExit(Llava.main())
