"""What makes a tiny model's inputs: words at the ids that the config names, sizes that the model takes."""

from __future__ import annotations

import pytest
import transformers

from generator.processors import tokenizer

CONFIGS = {
    "bert": transformers.BertConfig(vocab_size=128, pad_token_id=0),
    "gpt2": transformers.GPT2Config(vocab_size=128, bos_token_id=127, eos_token_id=127),
    "t5": transformers.T5Config(vocab_size=128, pad_token_id=0, eos_token_id=1),
    "xlm-roberta": transformers.XLMRobertaConfig(vocab_size=128),
    "clip": transformers.CLIPConfig(
        text_config={"vocab_size": 128, "bos_token_id": 127, "eos_token_id": 126, "pad_token_id": 1}
    ),
    "unseen": transformers.LlamaConfig(vocab_size=128),
}


@pytest.mark.parametrize("model_type", CONFIGS)
def test_special_words_stand_at_the_ids_of_the_config(model_type: str) -> None:
    config = CONFIGS[model_type]
    declared = tokenizer.declare(model_type, config, spoken=False)
    assert declared is not None
    words = declared["vocabulary"].split(" ")
    assert len(words) == len(set(words)) == 128
    text = getattr(config, "text_config", config)
    for role in ("pad", "bos", "eos"):
        if (identity := getattr(text, f"{role}_token_id", None)) is not None:
            assert words.index(declared["arguments"][f"{role}_token"]) == identity


def test_the_class_is_the_models_own_where_it_can_be_made_in_memory() -> None:
    for model_type, config in CONFIGS.items():
        declared = tokenizer.declare(model_type, config, spoken=False)
        assert declared is not None
        own = declared["class_name"] != tokenizer.GENERIC
        assert own == (model_type != "unseen" and int(transformers.__version__.split(".")[0]) >= 5)


def test_a_model_without_a_vocabulary_has_no_tokenizer() -> None:
    assert tokenizer.declare("vit", transformers.ViTConfig(), spoken=False) is None
