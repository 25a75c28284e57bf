"""A skill of Bert written by hand, for the tests of the harness."""

from harness.inputs import Integers, Mask, Tokens
from harness.skill import Head, Skill


class Bert(Skill):
    """Tiny Bert."""

    model_type = "bert"
    family = "encoder-only"
    tier = "critical"
    modalities = ("text",)
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "BertConfig"
    config = {
        "vocab_size": 99,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        "max_position_embeddings": 32,
    }
    heads = (
        Head(
            "BertForMaskedLM",
            mappings=(),
            primary=True,
            inputs={
                "input_ids": Tokens(shape=(2, 12), low=4, high=99),
                "attention_mask": Mask(shape=(2, 12)),
            },
            outputs={"logits": ((2, 12, 99), "float32")},
            parameters=20547,
            batch=2,
        ),
        Head(
            "BertForSequenceClassification",
            mappings=(),
            config={"num_labels": 3},
            inputs={
                "input_ids": Tokens(shape=(2, 12), low=4, high=99),
                "attention_mask": Mask(shape=(2, 12)),
                "token_type_ids": Integers(shape=(2, 12), high=2),
            },
            outputs={"logits": ((2, 3), "float32")},
            parameters=20483,
            batch=2,
        ),
    )


if __name__ == "__main__":
    raise SystemExit(Bert.main())
