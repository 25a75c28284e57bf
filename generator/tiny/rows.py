"""What the rules cannot know: one row a fact, each with its reason; nothing here that a rule could give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ROWS", "Row", "of"]


@dataclass(frozen=True)
class Row:
    """A departure from the rules for one model type, or for one of its heads."""

    model_type: str
    """The type."""
    reason: str
    """Why the rules do not serve, for the reader of the skill."""
    heads: tuple[str, ...] = ()
    """Heads that it applies to; empty for all."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Config arguments, merged over what the rules gave."""
    inputs: Mapping[str, tuple[str, Mapping[str, Any]] | None] = field(default_factory=dict)
    """Inputs by name: kind and arguments, or None to feed none."""
    indifferent: tuple[str, ...] = ()
    """Inputs that the outputs need not follow."""
    generation: Mapping[str, Any] | None = field(default_factory=dict)
    """Arguments of ``generate()``, merged over the rules'; None where the head does not generate."""
    method: str = "forward"
    """What a user of the head calls."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of that call."""
    generation_config: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the model's generation config."""
    batch: int | None = None
    """Rows of the inputs where the head takes another number than the rules give."""


def of(model_type: str, head: str) -> tuple[Row, ...]:
    """Rows for a head, those for the whole type first."""
    rows = [row for row in ROWS if row.model_type == model_type and (not row.heads or head in row.heads)]
    return tuple(sorted(rows, key=lambda row: bool(row.heads)))


ROWS: tuple[Row, ...] = (
    # Configs whose fields depend on each other in the model's own way
    Row(
        "gpt_neo",
        "its layers are counted by a nested pattern, which must come to num_layers",
        config={"attention_types": [[["global", "local"], 1]]},
    ),
    Row(
        "efficientnet",
        "the head's width must be the last stage's after the width coefficient",
        config={"hidden_dim": 320},
    ),
    Row(
        "beit",
        "the segmentation neck takes four layers",
        heads=("BeitForSemanticSegmentation",),
        config={"num_hidden_layers": 4, "out_indices": [1, 2, 3, 4]},
    ),
    Row(
        "blip-2",
        "its query transformer also reads the text when it retrieves",
        heads=("Blip2ForImageTextRetrieval",),
        config={"qformer_config": {"use_qformer_text_input": True, "vocab_size": 128}},
    ),
    Row(
        "flava",
        "its codebook's stages are one, two, four and eight times as wide as the first",
        config={"image_codebook_config": {"hidden_size": 16}},
    ),
    Row(
        "led",
        "the model writes a window for each layer into the config that it is given",
        config={"attention_window": [8, 8]},
    ),
    Row(
        "musicgen",
        "the decoder's tokens are the codec's codes, and the one after the last of them starts and pads",
        config={
            "audio_encoder": {"codebook_size": 64},
            "decoder": {"vocab_size": 64, "pad_token_id": 64, "bos_token_id": 64},
            "decoder_start_token_id": 64,
        },
    ),
    # Heads whose inputs are not what the names of the arguments say
    Row(
        "speecht5",
        "without its pre-nets the encoder and the decoder take hidden states",
        heads=("SpeechT5Model",),
        inputs={
            "input_values": ("Floats", {"shape": (2, 12, 64)}),
            "decoder_input_values": ("Floats", {"shape": (2, 8, 64)}),
            "speaker_embeddings": None,
        },
    ),
    Row(
        "blip",
        "forward says nothing of the question but by the loss of an answer to it",
        heads=("BlipForQuestionAnswering",),
        inputs={"labels": ("Tokens", {"shape": (2, 8), "low": 3, "high": 100})},
    ),
    Row(
        "fuyu",
        "it has no image tower: its pixels come as rows of patches",
        inputs={"pixel_values": ("Floats", {"shape": (2, 16, 192)})},
    ),
    Row(
        "musicgen",
        "the decoder by itself takes a row of tokens for each of four codebooks",
        heads=("MusicgenForCausalLM", "MusicgenModel"),
        inputs={
            "input_ids": ("Tokens", {"shape": (8, 12), "low": 0, "high": 64}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
        },
    ),
    Row(
        "musicgen",
        "the token that starts and pads what it generates, and the number of sequences, come with a checkpoint's "
        "generation config",
        heads=("MusicgenForCausalLM",),
        generation={"decoder_start_token_id": 64, "num_return_sequences": 1},
    ),
    Row(
        "musicgen",
        "it takes sound to go on from only in place of the decoder's tokens",
        heads=("MusicgenForConditionalGeneration",),
        inputs={"input_values": None},
    ),
    Row(
        "speecht5",
        "it speaks frame by frame, by a method of its own that always keeps a cache",
        heads=("SpeechT5ForTextToSpeech",),
        generation={"method": "generate_speech", "cache": False, "minlenratio": 1.0, "maxlenratio": 1.0},
    ),
    # Heads that a user calls otherwise than by forward
    Row(
        "bark",
        "it has no forward: four models in a row are called by generate(), whose token ranges a checkpoint brings",
        config={
            "semantic_config": {"block_size": 64, "input_vocab_size": 200, "output_vocab_size": 72},
            "coarse_acoustics_config": {"block_size": 64, "input_vocab_size": 136, "output_vocab_size": 136},
            "fine_acoustics_config": {"block_size": 64, "input_vocab_size": 40, "output_vocab_size": 40},
            "codec_config": {"codebook_size": 32},
        },
        inputs={
            "input_ids": ("Tokens", {"shape": (2, 12), "low": 0, "high": 120}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
        },
        method="generate",
        arguments={"semantic_min_new_tokens": 6, "semantic_max_new_tokens": 6},
        generation_config={
            "codebook_size": 32,
            "semantic_config": {
                "eos_token_id": 64,
                "semantic_pad_token": 64,
                "semantic_vocab_size": 64,
                "semantic_infer_token": 199,
                "text_pad_token": 198,
                "text_encoding_offset": 72,
                "max_input_semantic_length": 12,
            },
            "coarse_acoustics_config": {
                "coarse_semantic_pad_token": 128,
                "coarse_infer_token": 129,
                "max_coarse_input_length": 12,
                "max_coarse_history": 12,
                "sliding_window_len": 6,
            },
            "fine_acoustics_config": {"max_fine_input_length": 16, "max_fine_history_length": 8},
        },
        generation=None,
    ),
    Row(
        "qwen2",
        "it takes one prompt, here with a yes-or-no question at one mark and a choice of three at the next",
        heads=("JevForDecision",),
        config={"hidden_size": 64},
        inputs={
            "input_ids": ("Tokens", {"shape": (1, 12), "low": 0, "high": 128}),
            "marks": ("Literal", {"values": [[5, 11]]}),
            "num_options": ("Literal", {"values": [[2, 3]]}),
            "question_type_ids": ("Literal", {"values": [[0, 1]]}),
        },
        batch=1,
    ),
)
"""All rows, grouped by what makes them necessary."""
