"""Tests of generator.catalog.names: what people call a model leads to its row, and what is no model to an answer."""

from __future__ import annotations

import functools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generator.catalog import Catalog, UnknownModelError, answer, find, load, resolve, tracked


@functools.cache
def loaded() -> Catalog:
    """The catalogue, for where Hypothesis must not see it: it would print all of it for each example."""
    return load()


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return loaded()


@pytest.mark.parametrize(
    ("text", "model_type"),
    [
        ("gpt-j", "gptj"),
        ("GPT-J", "gptj"),
        ("gpt_j", "gptj"),
        ("gptj", "gptj"),
        (" gptj ", "gptj"),
        ("GPTJForCausalLM", "gptj"),
        ("gptjforcausallm", "gptj"),
        ("GPTJConfig", "gptj"),
        ("hf_gptj", "gptj"),
        ("xlm-roberta", "xlm-roberta"),
        ("XLMRoberta", "xlm-roberta"),
        ("xlm_roberta", "xlm-roberta"),
        ("kosmos-2", "kosmos-2"),
        ("kosmos-2.5", "kosmos-2.5"),
        ("kosmos_2_5", "kosmos-2.5"),
        ("Sam2Model", "sam2"),
        ("LlamaForCausalLM", "llama"),
    ],
)
def test_spellings_lead_to_their_type_without_a_word(catalog: Catalog, text: str, model_type: str) -> None:
    found = resolve(text, catalog)
    assert (found.model_type, found.why) == (model_type, None)


@pytest.mark.parametrize(
    ("text", "model_type", "why"),
    [
        ("flan-t5", "t5", "FLAN-T5 is a family of checkpoints of t5"),
        ("google/flan-t5-base", "t5", "FLAN-T5 is a family of checkpoints of t5"),
        ("Donut", "vision-encoder-decoder", "Donut checkpoints are of type vision-encoder-decoder"),
        ("EleutherAI/gpt-j-6b", "gptj", "is the reference checkpoint of gptj"),
        ("eleutherai/GPT-J-6B", "gptj", "is the reference checkpoint of gptj"),
        ("Qwen/Qwen2.5-7B", "qwen2", "guessed from qwen2"),
        ("FacebookAI/xlm-roberta-large", "xlm-roberta", "guessed from xlm-roberta"),
        ("gpt-sw3", "gpt2", "alias of gpt2"),
        ("nougat", "vision-encoder-decoder", "VisionEncoderDecoderModel"),
    ],
)
def test_what_is_more_than_a_spelling_says_why(catalog: Catalog, text: str, model_type: str, why: str) -> None:
    found = resolve(text, catalog)
    assert found.model_type == model_type
    assert why in str(found.why)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clip_vision_model", "clip_vision_model is a component of clip"),
        ("CLIPTextModel", "clip_text_model is a component of clip"),
        ("layoutxlm", "layoutxlm cannot be built"),
        ("nezha", "removed in 5.0.0"),
        ("Transfo-XL", "removed in 5.0.0"),
        ("beit3", "BEiT-3 was never in transformers"),
        ("vision", "placeholder"),
        ("gpt9", "The nearest are gptj, "),
        ("bert-base-uncased", "The nearest are bert, "),
        ("GPTJForCausalLN", "The nearest are GPTJForCausalLM, "),
        ("openai/clip-vit-large-patch14", "names clip or vit, and nothing says which"),
        ("PaddlePaddle/Not_yet_released", "is the reference checkpoint of pp_lcnet_v3 or pp_lcnet_v4"),
        ("nobody/nothing", "is the name of a model"),
        ("", "an empty name"),
        ("   ", "an empty name"),
        ("../../etc/passwd", "is a path"),
        ("/etc/passwd", "is a path"),
        ("gptj/../gpt2", "is a path"),
        ("C:\\gptj", "is a path"),
        ("--help", "is an option"),
        ("x" * 10_240, "longer than any"),
        ("gptj\n", "unprintable"),
        ("gp\x00tj", "unprintable"),
        ("\uff47\uff50\uff54\uff4a", "non-ASCII"),
    ],
)
def test_what_is_no_model_is_an_error_in_a_sentence(catalog: Catalog, text: str, words: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        resolve(text, catalog)
    _is_one_line(str(caught.value))
    assert words in str(caught.value)


def test_an_unknown_name_gets_the_three_nearest(catalog: Catalog) -> None:
    with pytest.raises(UnknownModelError) as caught:
        resolve("robberta", catalog)
    nearest = str(caught.value).partition("The nearest are ")[2].partition(". ")[0].split(", ")
    assert len(nearest) == 3
    assert nearest[0] == "roberta"


@given(text=st.text() | st.text(st.characters(codec="ascii")) | st.from_regex(r"[A-Za-z0-9._/-]{1,40}", fullmatch=True))
@example(text="\u2028")
@example(text="a/b/c")
@example(text="_")
@example(text="a/..")
@example(text="\ud800")
def test_any_text_leads_to_an_architecture_or_to_one_printable_line(text: str) -> None:
    catalog = loaded()
    try:
        found = resolve(text, catalog)
    except UnknownModelError as error:
        _is_one_line(str(error))
    else:
        assert catalog.rows[found.model_type].state == "architecture"
        assert found.why is None or found.why.isprintable()


def _is_one_line(message: str) -> None:
    assert message.isascii()
    assert message.isprintable()
    assert message.startswith("catalog: ")
    assert len(message) < 400


def test_every_type_leads_to_its_own_row(catalog: Catalog) -> None:
    assert {name: find(name, catalog).model_type for name in catalog.rows} == {name: name for name in catalog.rows}


def test_every_spelling_of_an_architecture_leads_to_it(catalog: Catalog) -> None:
    for row in catalog.architectures():
        spellings = (row.model_type.upper(), row.model_type.replace("-", "_"), row.config_class, row.title, row.module)
        assert {find(text, catalog).model_type for text in (*spellings, row.class_name)} == {row.model_type}


def test_every_class_leads_to_the_type_it_belongs_to(catalog: Catalog) -> None:
    for row in catalog.rows.values():
        for head in row.heads:
            owner = find(head.class_name, catalog).model_type
            if owner != row.model_type:
                assert catalog.owners.get(head.class_name) == owner or catalog.rows[owner].of is not None
                assert (
                    head.class_name in {other.class_name for other in catalog.rows[owner].heads}
                    or row.state != "component"
                )


def test_the_owner_of_a_shared_class_is_of_the_folder_that_defines_it(catalog: Catalog) -> None:
    expected = {
        "GPT2LMHeadModel": "gpt2",
        "LlamaForCausalLM": "llama",
        "Gemma3ForConditionalGeneration": "gemma3",
        "JevForDecision": "jev",
        "Qwen3_5ForCausalLM": "qwen3_5",
    }
    assert {name: catalog.owners[name] for name in expected} == expected


def test_every_tracked_name_has_an_answer(catalog: Catalog) -> None:
    assert len(tracked()) == 198
    for name, row in tracked().items():
        found = answer(name, catalog)
        assert found.sentence.isprintable()
        if row.kind in ("model_type", "checkpoint_family"):
            assert catalog.rows[str(found.model_type)].state == "architecture"
            assert resolve(name, catalog).model_type == found.model_type
        else:
            assert found.model_type is None
            with pytest.raises(UnknownModelError) as caught:
                resolve(name, catalog)
            assert found.sentence in str(caught.value)


def test_removed_names_say_in_which_release(catalog: Catalog) -> None:
    removed = {name for name, row in tracked().items() if row.kind == "removed"}
    assert removed == {"nezha", "speech-to-text-2", "speech_to_text_2", "transfo-xl", "van"}
    for name in removed:
        assert tracked()[name].removed_in == "5.0.0"
        assert "removed in 5.0.0" in answer(name, catalog).sentence
