"""A skill of ViT written by hand, for the tests of the harness."""

from harness.inputs import Floats
from harness.skill import Head, Skill


class ViT(Skill):
    """Tiny ViT."""

    model_type = "vit"
    family = "vision"
    tier = "critical"
    modalities = ("image",)
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "ViTConfig"
    config = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        "image_size": 16,
        "patch_size": 4,
    }
    heads = (
        Head(
            "ViTForImageClassification",
            mappings=(),
            primary=True,
            config={"num_labels": 3},
            inputs={
                "pixel_values": Floats(shape=(2, 3, 16, 16)),
            },
            outputs={"logits": ((2, 3), "float32")},
            parameters=17315,
            batch=2,
        ),
    )


if __name__ == "__main__":
    raise SystemExit(ViT.main())
