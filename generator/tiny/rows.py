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
        "aria",
        "its projector has as many queries as a table says for the number of patches",
        config={"projector_patch_to_query_dict": {"16": 4}},
    ),
    Row(
        "dbrx",
        "its attention config of old has no rotary base of its own",
        config={"attn_config": {"rope_theta": 10000.0, "clip_qkv": 8.0}},
    ),
    Row(
        "xmod", "a checkpoint sets the language of texts that do not name theirs", config={"default_language": "en_XX"}
    ),
    Row(
        "reformer",
        "positions are laid out on a grid whose sides and widths multiply and add up",
        config={"axial_pos_shape": [4, 16], "axial_pos_embds_dim": [16, 48], "num_buckets": 4},
    ),
    Row(
        "lfm2_moe",
        "its default config does not say which layers are convolutions",
        config={"layer_types": ["conv", "full_attention"]},
    ),
    Row(
        "granitemoehybrid",
        "its default config has no layer that attends, although the cache expects one",
        config={"layer_types": ["linear_attention", "full_attention"]},
    ),
    Row(
        "zamba",
        "its hybrid layers share weights, which takes two of them",
        config={
            "num_hidden_layers": 4,
            "attention_hidden_size": 128,
            "attention_head_dim": 32,
            "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
        },
    ),
    Row(
        "llama4",
        "shuffling pixels makes four lanes of one, which the adapter of the image tower takes",
        config={"vision_config": {"intermediate_size": 256}},
    ),
    Row(
        "lilt",
        "a sixth of the hidden width goes to each coordinate of a box",
        config={"hidden_size": 96},
    ),
    Row("mobilevitv2", "it halves an image five times and then cuts it into patches", config={"image_size": 64}),
    Row(
        "step3p7",
        "its default config has sliding layers but no window",
        config={"text_config": {"sliding_window": 8}},
    ),
    Row(
        "superglue",
        "its graph has a kind for each layer, and meets the descriptors' width by a list of its own",
        config={
            "keypoint_encoder_sizes": [16, 32],
            "gnn_layers_types": ["self", "cross"],
            "sinkhorn_iterations": 4,
        },
    ),
    Row(
        "depth_pro",
        "it looks at an image at a quarter, half and whole size, the least of which is one patch",
        config={
            "patch_size": 32,
            "scaled_images_feature_dims": [64, 64, 64],
            "intermediate_hook_ids": [1, 0],
            "intermediate_feature_dims": [64, 64],
        },
        inputs={"pixel_values": ("Floats", {"shape": (2, 3, 128, 128)})},
    ),
    Row(
        "vitmatte",
        "a trimap is the image's fourth channel",
        config={"backbone_config": {"num_channels": 4, "patch_size": 16, "image_size": 64}},
        inputs={"pixel_values": ("Floats", {"shape": (2, 4, 64, 64)})},
    ),
    Row(
        "sam2",
        "sizes of its feature maps follow from the image's",
        config={"vision_config": {"backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]]}},
    ),
    Row(
        "chameleon",
        "a checkpoint's vocabulary says which tokens are codes of an image",
        config={
            "vocabulary_map": {
                "<image>": 100,
                **{f"IMGIMG{chr(65 + i // 10)}{chr(65 + i % 10)}Z": 4 + i for i in range(64)},
            }
        },
    ),
    Row(
        "shieldgemma2",
        "answers are read at the tokens of a checkpoint's yes and no",
        config={"yes_token_index": 40, "no_token_index": 41},
    ),
    Row(
        "mllama",
        "the states of every layer that is handed on lie side by side",
        config={"vision_config": {"vision_output_dim": 192}},
    ),
    Row(
        "clap",
        "its image of a sound folds the frames so often that few bins would leave none",
        config={"audio_config": {"num_mel_bins": 64, "patch_embeds_hidden_size": 16, "hidden_size": 128}},
    ),
    Row(
        "lw_detr",
        "windows cut the patches of an image evenly",
        config={"backbone_config": {"num_windows": 4}, "projector_scale_factors": [1.0]},
    ),
    Row(
        "granite_speech",
        "a window holds a whole number of queries",
        config={"window_size": 10},
    ),
    Row(
        "granite_speech_plus",
        "a window holds a whole number of queries",
        config={"window_size": 10},
    ),
    Row("cvt", "a stage has more layers than there are stages before it", config={"depth": [1, 2, 3]}),
    Row(
        "deepseek_ocr2",
        "its default config says neither which layers are dense nor how the two towers meet",
        config={
            "text_config": {"mlp_layer_types": ["dense", "sparse"]},
            "vision_config": {"sam_config": {"downsample_channels": [64, 64]}},
        },
    ),
    Row(
        "unlimited_ocr",
        "the first tower ends as wide as the second begins",
        config={"vision_config": {"sam_config": {"downsample_channels": [64, 64]}}},
    ),
    Row(
        "clvp",
        "its rotary lanes are never fewer than 32, which a head must hold",
        config={"text_config": {"num_attention_heads": 2}, "speech_config": {"num_attention_heads": 2}},
    ),
    Row(
        "cohere_compass",
        "layers that see everything have no positions, which its rotary parameters must say",
        config={
            "text_config": {
                "rope_parameters": {
                    "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]},
                    "full_attention": None,
                }
            }
        },
    ),
    Row(
        "fastspeech2_conformer_with_hifigan",
        "the vocoder takes as many bins as the model gives",
        config={"vocoder_config": {"model_in_dim": 16}},
    ),
    Row(
        "csm",
        "a text is a row of codes for each codebook",
        config={"num_codebooks": 4, "depth_decoder_config": {"num_codebooks": 4}},
        inputs={
            "input_ids": ("Tokens", {"shape": (2, 12, 4), "low": 3, "high": 60}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
            "input_values": None,
        },
    ),
    Row(
        "kyutai_speech_to_text",
        "a text is a token and a code for each codebook",
        inputs={
            "input_ids": ("Tokens", {"shape": (2, 12, 33), "low": 4, "high": 60}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
        },
    ),
    Row(
        "dia",
        "the decoder writes nine channels at once",
        inputs={"decoder_input_ids": ("Tokens", {"shape": (2, 8, 9), "low": 3, "high": 60})},
    ),
    Row(
        "seggpt",
        "prompt and image stand one above the other",
        config={"image_size": [64, 32]},
        inputs={
            name: ("Floats", {"shape": (2, 3, 32, 32)})
            for name in ("pixel_values", "prompt_pixel_values", "prompt_masks")
        },
    ),
    Row("pp_doclayout_v3", "the finest features come from the first stage", config={"x4_feat_dim": 16}),
    Row(
        "sam3_tracker",
        "sizes of its feature maps follow from the image's",
        config={"vision_config": {"backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]]}},
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
        "longformer",
        "a question ends at the first of three separators",
        heads=("LongformerForQuestionAnswering",),
        inputs={
            "input_ids": (
                "Tokens",
                {"shape": (2, 12), "low": 3, "high": 120, "runs": ((2, 4, 2), (2, 11, 1))},
            )
        },
    ),
    Row(
        "longformer",
        "a question ends at the first of three separators",
        heads=("LongformerForMultipleChoice",),
        inputs={
            "input_ids": (
                "Tokens",
                {"shape": (2, 3, 12), "low": 3, "high": 120, "runs": ((2, 4, 2), (2, 11, 1))},
            )
        },
    ),
    Row(
        "detr",
        "its mask head's norm has eight groups, which the width and the attention's heads share",
        heads=("DetrForSegmentation",),
        config={"encoder_attention_heads": 8, "decoder_attention_heads": 8},
    ),
    Row(
        "musicgen_melody",
        "the decoder by itself takes a row of tokens for each of four codebooks",
        heads=("MusicgenMelodyForCausalLM", "MusicgenMelodyModel"),
        inputs={
            "input_ids": ("Tokens", {"shape": (8, 12), "low": 0, "high": 64}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
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
)
"""All rows, grouped by what makes them necessary."""
