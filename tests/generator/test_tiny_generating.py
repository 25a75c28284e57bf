"""What is asked of generative heads, beyond what every head is asked."""

from __future__ import annotations

from typing import Any

import transformers

from generator.tiny import generating


class _Translates:
    """It looks languages and characters up where a checkpoint has them."""

    generation_config: Any = None

    def generate(self, tgt_lang: str | None = None) -> Any:
        if not hasattr(self.generation_config, "char_to_id"):
            raise ValueError("no characters")
        return getattr(self.generation_config, "text_decoder_lang_to_code_id", {})[tgt_lang]


class _Speaks(_Translates):
    """It says what it wrote."""

    vocoder = None


def test_tables_are_those_that_the_code_of_a_model_looks_up() -> None:
    found = generating.tables(_Translates())
    assert found["text_decoder_lang_to_code_id"] == {generating.LANGUAGE: 4}
    assert (sorted(found), found["char_to_id"]["a"]) == (["char_to_id", "text_decoder_lang_to_code_id"], 2)


def test_a_model_that_looks_nothing_up_has_no_tables_and_is_told_no_language() -> None:
    config = transformers.GPT2Config(n_layer=1, n_embd=8, n_head=1, vocab_size=16)
    model = transformers.GPT2LMHeadModel(config)
    assert generating.tables(model) == {}
    assert "tgt_lang" not in (generating.generation(model, [], (), {}, {}) or {})


def test_a_model_of_several_languages_is_told_one_and_gives_units_alone_where_it_speaks() -> None:
    assert generating._spoken(_Translates(), {"some": {}}) == {"tgt_lang": generating.LANGUAGE}
    assert generating._spoken(_Speaks(), {"some": {}})["speech_return_dict_in_generate"] is False
    assert generating._spoken(_Speaks(), {}) == {}
