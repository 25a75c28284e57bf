"""Tiny models: every head of the critical and high tiers, and what each row of exceptions is for."""

from __future__ import annotations

import dataclasses
import inspect

import pytest
import torch
import transformers
from transformers import PretrainedConfig

from generator import assemble, catalog, tiny
from generator.catalog import history
from generator.spec import SkillSpec, from_json, to_json
from generator.tiny import inputs, rows

SIZE = 2_000_000
"""Parameters that a tiny model stays below."""


@pytest.fixture(scope="session")
def specs() -> dict[str, SkillSpec]:
    """Specs of the critical and high tiers, by model type."""
    listing = catalog.load()
    wanted = [*listing.architectures("critical"), *listing.architectures("high")]
    made = list(assemble.specs(wanted, listing))
    assert not [error for error in made if isinstance(error, tiny.TinyError)]
    return {spec.model_type: spec for spec in made if isinstance(spec, SkillSpec)}


def test_every_head_of_the_critical_and_high_tiers_is_built_and_small(specs: dict[str, SkillSpec]) -> None:
    listing = catalog.load()
    for model_type, spec in specs.items():
        assert [head.class_name for head in spec.heads] == [head.class_name for head in listing.rows[model_type].heads]
        for head in spec.heads:
            assert 0 < head.parameters < SIZE, f"{model_type} {head.class_name}"
            assert head.outputs


def test_multimodal_heads_are_fed_every_modality(specs: dict[str, SkillSpec]) -> None:
    fed = {model_type: {item.name for item in spec.heads[0].inputs} for model_type, spec in specs.items()}
    for model_type in ("llava", "paligemma", "blip-2", "video_llava", "idefics", "fuyu", "git", "clip", "flava"):
        assert {"input_ids", "pixel_values"} <= fed[model_type] or "pixel_values_videos" in fed[model_type], model_type
    assert "pixel_values_videos" in fed["video_llava"]


def test_texts_hold_a_placeholder_for_each_feature_of_the_image(specs: dict[str, SkillSpec]) -> None:
    head = specs["llava"].heads[0]
    text = next(item for item in head.inputs if item.name == "input_ids")
    (token, _, count), *others = text.arguments["runs"]
    assert token == specs["llava"].config["image_token_index"]
    assert count == 16  # an image of 32 by 32 in patches of 8 by 8
    assert not others


def test_specs_survive_json(specs: dict[str, SkillSpec]) -> None:
    for spec in specs.values():
        assert to_json(from_json(to_json(spec))) == to_json(spec)


def test_the_rules_carry_the_load() -> None:
    assert len(rows.ROWS) <= len(catalog.load().architectures()) / 10


@pytest.mark.parametrize("row", rows.ROWS, ids=lambda row: "-".join((row.model_type, *row.heads)))
def test_every_row_is_needed(row: rows.Row, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = catalog.load().rows.get(row.model_type)
    if listed is None:  # of a type that only other releases have
        assert history.absence(row.model_type, transformers.__version__) is not None
        return
    wanted = [head for head in listed.heads if (head.class_name in row.heads if row.heads else head.primary)]
    narrowed = dataclasses.replace(listed, heads=tuple(wanted))
    made = tiny.build(narrowed)
    monkeypatch.setattr(rows, "ROWS", tuple(other for other in rows.ROWS if other is not row))
    # The search would look for something else that the head accepts, for a minute: that alone shows the change.
    monkeypatch.setattr(tiny.shrinking, "mended", lambda *_, **__: None)
    try:
        without = tiny.build(narrowed)
    except tiny.TinyError:
        return
    had = [dataclasses.replace(head, notes=()) for head in made.heads]
    assert without.config != made.config or [dataclasses.replace(head, notes=()) for head in without.heads] != had


def test_every_row_is_about_a_head_that_exists() -> None:
    listing = catalog.load()
    for row in rows.ROWS:
        assert row.reason
        if row.model_type in listing.rows:
            known = {head.class_name for head in listing.rows[row.model_type].heads}
            assert set(row.heads) <= known, row.model_type
        else:
            assert history.absence(row.model_type, transformers.__version__) is not None, row.model_type


def test_what_joins_a_decoder_starts_it_whether_it_says_that_it_is_of_that_kind_or_not() -> None:
    config = transformers.MusicgenMelodyConfig()
    config.is_encoder_decoder, config.decoder_start_token_id = False, None
    assert tiny._starts(config) == {"decoder_start_token_id": config.decoder.bos_token_id}
    assert tiny._starts(transformers.LlamaConfig()) == {}


def test_an_input_that_no_rule_makes_is_named() -> None:
    def forward(inference_session: object) -> None: ...

    context = inputs.Context(None, inspect.signature(forward).parameters, ())
    with pytest.raises(LookupError, match="inference_session"):
        inputs.declare(context, {})


def test_a_required_tensor_that_no_rule_knows_is_guessed_from_its_documented_shape() -> None:
    from transformers import LlamaConfig

    def forward(glances: torch.FloatTensor, glance_ids: torch.LongTensor, glance_mask=None) -> None: ...  # type: ignore[no-untyped-def]

    shapes = inputs.documented(
        "glances (`torch.FloatTensor` of shape `(batch_size, 5, config.hidden_size * len(config.marks))`):\n"
        "glance_ids (`torch.LongTensor` of shape `[batch_size, 5 + 2]`):"
    )
    config = LlamaConfig(hidden_size=32, num_attention_heads=2, vocab_size=64, marks=[1, 2, 3])
    context = inputs.Context(config, inspect.signature(forward).parameters, (), shapes=shapes)
    made = {item.name: item for item in inputs.declare(context, {})}
    assert made["glances"].arguments["shape"] == (2, 5, 96)
    assert made["glance_ids"].kind == "Tokens"
    assert made["glance_ids"].arguments["shape"] == (2, 7)
    assert "glance_mask" not in made


def test_what_withholds_a_modality_is_tried_last() -> None:
    from transformers import LlavaConfig

    def forward(pixel_values=None, pixel_values_videos=None, image_sizes=None) -> None: ...  # type: ignore[no-untyped-def]

    context = inputs.Context(LlavaConfig(), inspect.signature(forward).parameters, ())
    fed = [
        {item.name for item in inputs.declare(context, {}, choice)} >= {"pixel_values", "pixel_values_videos"}
        for choice in inputs.choices(context, {})
    ]
    assert fed == sorted(fed, reverse=True)
    assert set(fed) == {True, False}


@pytest.mark.parametrize(
    ("model_type", "fed"),
    [
        ("minicpmv4_6", {"input_ids", "pixel_values", "pixel_values_videos"}),
        ("musicflamingo", {"input_ids", "input_features", "input_features_mask"}),
        ("qwen2_audio", {"input_ids", "input_features", "feature_attention_mask"}),
        ("muse_glimmer_assistant", {"noise_embeds", "context_hidden_states"}),
        ("visual_bert", {"input_ids", "visual_embeds"}),
        ("instructblipvideo", {"input_ids", "pixel_values", "qformer_input_ids"}),
        ("neomme", {"input_ids", "pixel_values"}),
        ("qwen3_vl", {"input_ids", "pixel_values", "image_grid_thw", "pixel_values_videos", "video_grid_thw"}),
        ("qwen2_5_vl", {"input_ids", "pixel_values", "image_grid_thw"}),
        ("idefics3", {"input_ids", "pixel_values"}),
        ("siglip2", {"input_ids", "pixel_values", "spatial_shapes", "pixel_attention_mask"}),
        ("parakeet_ctc", {"input_features", "attention_mask"}),
        ("patchtst", {"past_values"}),
        ("layoutlmv3", {"input_ids", "pixel_values", "bbox"}),
        ("instructblip", {"input_ids", "pixel_values", "qformer_input_ids"}),
    ],
)
def test_a_head_is_fed_all_that_its_signature_lists(model_type: str, fed: set[str]) -> None:
    row = catalog.load().rows[model_type]
    primary = next(head for head in row.heads if head.primary)
    made = tiny.build(dataclasses.replace(row, heads=(primary,))).heads[0]
    assert fed <= {item.name for item in made.inputs}
    assert made.parameters < SIZE


@pytest.mark.parametrize(
    ("model_type", "name", "told"),
    [
        ("splinter", "input_ids", {"runs": ((127, 1, 1),)}),
        ("tapas", "token_type_ids", {"shape": (2, 12, 7), "high": 2}),
    ],
)
def test_a_text_holds_the_question_and_says_where_in_a_table_it_stands(
    model_type: str, name: str, told: dict[str, object]
) -> None:
    row = catalog.load().rows[model_type]
    made = tiny.build(dataclasses.replace(row, heads=tuple(head for head in row.heads if head.primary))).heads[0]
    fed = {item.name: item.arguments for item in made.inputs}[name]
    assert {key: fed[key] for key in told} == told


def test_a_class_that_vanished_is_a_sentence_about_it() -> None:
    row = catalog.load().rows["bert"]
    gone = dataclasses.replace(row.heads[0], class_name="BertForGone")
    with pytest.raises(tiny.TinyError, match="bert: BertForGone could not be built tiny"):
        tiny.build(dataclasses.replace(row, heads=(gone,)))


@pytest.mark.parametrize("model_type", ["llama4", "mllama", "cvt", "sapiens2"])
def test_what_the_rules_miss_is_found_from_the_error(model_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = catalog.load().rows[model_type]
    row = dataclasses.replace(row, heads=tuple(head for head in row.heads if head.primary))
    monkeypatch.setattr(rows, "ROWS", ())
    made = tiny.build(row)
    assert made == tiny.build(row)
    assert made.heads[0].parameters < SIZE
    monkeypatch.setattr(tiny.shrinking, "mended", lambda *_, **__: None)
    with pytest.raises(tiny.TinyError):
        tiny.build(row)


def test_a_library_that_is_absent_leaves_every_head_unsettled_and_says_so() -> None:
    row = dataclasses.replace(catalog.load().rows["bert"], requires=("no-such-library",))
    made = tiny.build(row)
    assert {head.class_name for head in made.heads} == {head.class_name for head in row.heads}
    for head in made.heads:
        assert head.unsettled == "needs no-such-library, not installed where this was written"
        assert not head.inputs
        assert not head.outputs


def test_a_secondary_head_that_cannot_be_built_is_unsettled_and_costs_no_other() -> None:
    row = catalog.load().rows["bert"]
    gone = dataclasses.replace(row.heads[0], class_name="BertForGone", primary=False)
    made = tiny.build(dataclasses.replace(row, heads=(row.heads[0], gone)))
    assert [head.unsettled is None for head in made.heads] == [True, False]
    assert "BertForGone" in str(made.heads[1].unsettled)


@pytest.mark.skipif("sapiens2" not in catalog.load().rows, reason="this release has no Sapiens2")
def test_a_head_has_as_many_labels_as_leave_no_output_empty() -> None:
    made = {head.class_name: head for head in tiny.build(catalog.load().rows["sapiens2"]).heads}
    matting = made["Sapiens2ForImageMatting"]
    assert matting.config == {"num_labels": 4}
    assert {output.name: output.shape[1] for output in matting.outputs} == {"alphas": 1, "foregrounds": 3}
    assert "num_labels" not in made["Sapiens2ForSemanticSegmentation"].config


def test_a_text_is_a_row_of_codes_at_each_place_where_that_is_documented() -> None:
    from transformers import LlamaConfig

    def forward(input_ids: torch.LongTensor, attention_mask=None) -> None: ...  # type: ignore[no-untyped-def]

    signature = inspect.signature(forward).parameters
    config = LlamaConfig(vocab_size=128, num_codebooks=4, codebook_size=64)
    axes = inputs.documented(
        "input_ids (`torch.LongTensor` of shape `(batch_size * num_codebooks, sequence_length)\n"
        "or (batch_size, sequence_length, num_codebooks)`):"
    )
    made = {item.name: item for item in inputs.declare(inputs.Context(config, signature, (), shapes=axes), {})}
    assert made["input_ids"].arguments["shape"] == (2, 12, 4)
    assert made["input_ids"].arguments["high"] <= 64
    assert made["attention_mask"].arguments["shape"] == (2, 12)
    silent = inputs.Context(config, signature, ())
    shapes = [inputs.declare(silent, {}, choice)[0].arguments["shape"] for choice in inputs.choices(silent, {})]
    assert shapes == [(2, 12), (2, 12, 4), (2, 12, 5)]


def test_images_of_one_size_come_without_a_grid_to_what_can_do_without_it() -> None:
    from transformers import ViTConfig

    def alone(pixel_values=None, image_grid_hw=None) -> None: ...  # type: ignore[no-untyped-def]
    def packed(pixel_values, image_grid_hw) -> None: ...  # type: ignore[no-untyped-def]
    def beside(input_ids=None, pixel_values=None, image_grid_hw=None) -> None: ...  # type: ignore[no-untyped-def]

    config = ViTConfig(image_size=32, patch_size=8, num_channels=3, vocab_size=128)
    fed = {
        forward.__name__: {
            item.name: item.arguments.get("shape")
            for item in inputs.declare(inputs.Context(config, inspect.signature(forward).parameters, ()), {})
        }
        for forward in (alone, packed, beside)
    }
    assert fed["alone"] == {"pixel_values": (2, 3, 32, 32)}
    assert fed["packed"]["pixel_values"] == fed["beside"]["pixel_values"] == (32, 192)
    assert "image_grid_hw" in fed["packed"].keys() & fed["beside"].keys()


def test_noise_that_only_the_config_turns_off_is_turned_off_wherever_it_stands() -> None:
    noisy, quiet = PretrainedConfig(vae_std=0.5), PretrainedConfig(vae_std=0.0)
    whole = PretrainedConfig(vae_std=0.5, encoder_config=noisy, decoder_config=quiet, text_config=PretrainedConfig())
    assert tiny._noise(whole) == {"vae_std": 0.0, "encoder_config": {"vae_std": 0.0}}
    assert tiny._noise(quiet) == {}
