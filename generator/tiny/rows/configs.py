"""Models whose config fields depend on each other in a way of their own."""

from __future__ import annotations

from typing import Any

from generator.tiny.rows.row import Row

__all__ = ["CONFIGS"]


def _tracker(width: int) -> dict[str, Any]:
    """A tracker whose every width but one is this, for an image of four patches a side."""
    return {
        "image_size": 64,
        "prompt_encoder_config": {"image_size": 64, "patch_size": 16, "hidden_size": width},
        "mask_decoder_config": {"hidden_size": width},
        "vision_config": {"fpn_hidden_size": width},
        "memory_attention_hidden_size": width,
        "memory_encoder_hidden_size": width,
        "mask_downsampler_embed_dim": width,
        "memory_fuser_embed_dim": width,
        "memory_attention_rope_feat_sizes": [4, 4],
    }


_TRACKER = _tracker(128)
_SEEN = {
    "fpn_hidden_size": 256,
    "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
    "backbone_config": {"image_size": 64, "patch_size": 16},
}
"""The tower of such a tracker."""

_LINES_OF_TEXT = {
    "block_configs": [
        [[3, 16, 16, 1, False]],
        [[3, 16, 32, 2, False]],
        [[3, 32, 64, 2, True]],
        [[3, 64, 64, 2, False]],
    ],
    "stem_channels": [3, 8, 16],
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}
"""A backbone that halves an image both ways from stage to stage: the default one halves only the height of a line."""
_INTRACLASS = {
    "reduce_channel": [1, 1, 0],
    "return_channel": [1, 1, 0],
    **{
        f"{kind}_{length}ratio": [[1 + 2 * high * half, 1 + 2 * wide * half], 1, [high * half, wide * half]]
        for kind, high, wide in (
            ("vertical_long_to_small_conv", 1, 0),
            ("horizontal_small_to_long_conv", 0, 1),
            ("symmetric_conv_long", 1, 1),
        )
        for length, half in (("long", 3), ("mid", 2), ("short", 1))
    },
}
"""Kernel, stride and padding of each convolution of a block: tall, wide and square ones."""

_LANES = {"num_uid_rope_pairs": 2}
"""Rotary lanes for an atom's id: beside two for each of three axes, as many as half a head of 16 has left."""

CONFIGS: tuple[Row, ...] = (
    Row(
        "beit",
        "the segmentation neck takes four layers",
        heads=("BeitForSemanticSegmentation",),
        config={"num_hidden_layers": 4, "out_indices": [1, 2, 3, 4]},
    ),
    Row(
        "flava",
        "its codebook's stages are one, two, four and eight times as wide as the first",
        config={"image_codebook_config": {"hidden_size": 16}},
    ),
    Row(
        "reformer",
        "positions are laid out on a grid whose sides and widths multiply and add up; its hashed attention, which only "
        "approximates, picks other keys with a cache than without one",
        config={"axial_pos_shape": [4, 16], "axial_pos_embds_dim": [16, 48], "num_buckets": 4},
        generation={"cache": False},
    ),
    Row(
        "cpmant",
        "all of a text sees all of it, also what was written after it once it is read anew, as it is without a cache",
        generation={"cache": False},
    ),
    Row(
        "lilt",
        "a sixth of the hidden width goes to each coordinate of a box",
        config={"hidden_size": 96},
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
        "vitmatte",
        "a trimap is the image's fourth channel",
        config={"backbone_config": {"num_channels": 4, "patch_size": 16, "image_size": 64}},
        inputs={"pixel_values": ("Floats", {"shape": (2, 4, 64, 64)})},
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
        "emu3",
        "a checkpoint's vocabulary says which tokens are codes of an image",
        config={
            "vocabulary_map": {
                "<image>": 100,
                "<|extra_200|>": 99,
                **{f"<|visual token {place:06d}|>": 4 + place for place in range(64)},
            }
        },
    ),
    Row(
        "dots3_note",
        "its sliding layers have widths of their own, beside those that its config class declares",
        config={"text_config": {"per_layer_config": {"2": {"head_dim": 32}}}},
    ),
    Row(
        "aria",
        "its processor makes every image one of 980 pixels a side and 256 tokens: of patches that are larger in turn, with "
        "as many queries",
        config={
            "projector_patch_to_query_dict": {"4": 4, "100": 256},
            "vision_config": {"image_size": 196, "patch_size": 98},
        },
    ),
    Row(
        "phi4_multimodal",
        "its processor counts 16 features on a side of every image, and each modality comes with its size and its mask, by "
        "names that no other model has",
        config={
            "max_position_embeddings": 1024,
            "original_max_position_embeddings": 1024,
            "vision_config": {"image_size": 64, "crop_size": 64, "patch_size": 2},
        },
        inputs={
            "input_ids": (
                "Tokens",
                {"shape": (2, 560), "low": 0, "high": 124, "runs": ((124, 0, 545), (125, 545, 4))},
            ),
            "attention_mask": ("Mask", {"shape": (2, 560)}),
            "image_pixel_values": ("Floats", {"shape": (2, 2, 3, 64, 64)}),
            "image_sizes": ("Literal", {"values": [[64, 64]] * 2}),
            "image_attention_mask": ("Booleans", {"shape": (2, 2, 32, 32), "true": 32, "matters": False}),
            "audio_input_features": ("Floats", {"shape": (2, 32, 32)}),
            "audio_embed_sizes": ("Literal", {"values": [4, 4]}),
            "audio_attention_mask": ("Mask", {"shape": (2, 32), "dtype": "bool", "hidden": 8}),
        },
    ),
    Row(
        "esmfold2",
        "its forward takes what is known of the atoms as one object, and fold(), which a user calls, makes that; its single "
        "inputs are an atom's features and what is known of residues side by side, whose counts no config says, and half a "
        "head holds a lane for each axis and each atom; what its trunk and its structures start from it draws for each row",
        config={
            "atom_feature_dim": ...,
            "single_inputs_size": 131,
            "atom_encoder": _LANES,
            "structure_head": {"diffusion_module": {"atom_encoder": _LANES}},
        },
        inputs={
            "token_index": ("Literal", {"values": [[*range(8)]] * 2}),
            "residue_index": ("Literal", {"values": [[0, 1, 2, 3] * 2] * 2}),
            **dict.fromkeys(("asym_id", "entity_id"), ("Literal", {"values": [[0] * 4 + [1] * 4] * 2})),  # two chains
            "sym_id": ("Literal", {"values": [[0] * 8] * 2}),
            "mol_type": ("Literal", {"values": [[0] * 5 + [3] + [0] * 2] * 2}),  # proteins, and a ligand between them
            "res_type": ("Integers", {"shape": (2, 8), "high": 33}),
            "token_bonds": ("Floats", {"shape": (2, 8, 8, 1)}),
            "attention_mask": ("Mask", {"shape": (2, 8), "dtype": "bool"}),
            "ref_pos": ("Floats", {"shape": (2, 24, 3)}),
            "ref_charge": ("Floats", {"shape": (2, 24)}),
            "atom_attention_mask": ("Mask", {"shape": (2, 24), "dtype": "bool"}),
            "ref_element": ("Integers", {"shape": (2, 24), "high": 128}),
            "ref_atom_name_chars": ("Integers", {"shape": (2, 24, 4), "high": 64}),
            **dict.fromkeys(
                ("ref_space_uid", "atom_to_token"), ("Literal", {"values": [[atom // 3 for atom in range(24)]] * 2})
            ),
            "distogram_atom_idx": ("Literal", {"values": [[3 * token for token in range(8)]] * 2}),
            "input_ids": ("Tokens", {"shape": (2, 8), "low": 4, "high": 24}),
        },
        method="fold",
        arguments={"num_loops": 1, "num_diffusion_samples": 1, "num_sampling_steps": 2},
        batch=1,
    ),
    Row(
        "granite4_vision",
        "its default config says neither how windows of patches become features nor into which layers these go",
        config={
            "downsample_rate": "1/2",
            "deepstack_layer_map": [[-1, 0], [0, 1]],
            "spatial_target_layers": [0, 1, 0, 1],
        },
    ),
    Row(
        "clap",
        "its image of a sound folds the frames so often that few bins would leave none",
        config={"audio_config": {"num_mel_bins": 64, "patch_embeds_hidden_size": 16, "hidden_size": 128}},
    ),
    Row(
        "granite_speech",
        "a window holds a whole number of queries, and its mask is of the features that are made of the windows",
        config={"window_size": 10},
        inputs={"input_features_mask": ("Mask", {"shape": (2, 14), "hidden": 4, "padded": True, "dtype": "bool"})},
    ),
    Row(
        "granite_speech_plus",
        "a window holds a whole number of queries, and its mask is of the features that are made of the windows",
        config={"window_size": 10},
        inputs={"input_features_mask": ("Mask", {"shape": (2, 14), "hidden": 4, "padded": True, "dtype": "bool"})},
    ),
    Row(
        "deepseek_ocr2",
        "its default config says neither which layers are dense nor how the two towers meet",
        config={
            "text_config": {"mlp_layer_types": ["dense", "sparse"]},
            "vision_config": {"sam_config": {"downsample_channels": [64, 64]}},
        },
    ),
    Row(
        "nemotron_h_omni",
        "its encoder of sound is one without a projector, whose width and bias only a checkpoint states; a video stands "
        "where an image does, by the same token, and would replace it",
        config={"audio_config": {"projection_hidden_size": 64, "projection_bias": False}},
        inputs={
            "input_ids": (
                "Tokens",
                {"shape": (2, 20), "low": 3, "high": 125, "runs": ((127, 0, 4), (125, 4, 8))},
            ),
            "attention_mask": ("Mask", {"shape": (2, 20)}),
            "input_features_mask": ("Mask", {"shape": (2, 64), "dtype": "bool"}),
            "pixel_values_videos": None,
        },
    ),
    Row(
        "qwen3_omni_moe",
        "it has no forward: generate() writes, here of text alone; it speaks only with what a checkpoint brings, and "
        "its talker's config class does not declare the widths that its code reads",
        config={
            "talker_config": {
                "spatial_merge_size": 2,
                "speaker_id": {"ethan": 3},
                "text_config": {"shared_expert_intermediate_size": 64},
            }
        },
        inputs={
            "input_ids": ("Tokens", {"shape": (2, 12), "low": 3, "high": 100}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
        },
        method="generate",
        arguments={
            "return_audio": False,
            "thinker_max_new_tokens": 6,
            "thinker_eos_token_id": None,
            "thinker_return_dict_in_generate": True,
            "thinker_output_logits": True,
        },
        generation=None,
    ),
    Row(
        "qwen2_5_omni",
        "it has no forward: generate() writes, here of text alone, for a speaker whom a file beside a checkpoint's weights "
        "makes known; each block of its vocoder has three dilations in its code",
        config={"token2wav_config": {"bigvgan_config": {"resblock_dilation_sizes": [[1, 3, 5]] * 3}}},
        inputs={
            "input_ids": ("Tokens", {"shape": (2, 12), "low": 3, "high": 100}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
        },
        steps=(
            {"call": "$model.speaker_map.update", "arguments": [{"Chelsie": {"bos_token": 3}}], "name": "speaker"},
            {
                "call": "generate",
                "arguments": {
                    "input_ids": "$input_ids",
                    "attention_mask": "$attention_mask",
                    "generation_mode": "text",
                    "thinker_max_new_tokens": 6,
                    "thinker_eos_token_id": None,
                    "thinker_return_dict_in_generate": True,
                    "thinker_output_logits": True,
                },
            },
        ),
        generation=None,
    ),
    Row(
        "clvp",
        "its rotary lanes are never fewer than 32, which a head must hold",
        config={"text_config": {"num_attention_heads": 2}, "speech_config": {"num_attention_heads": 2}},
    ),
    Row(
        "kyutai_speech_to_text",
        "a text is a token and a code for each codebook, and what it generates it writes down of sound alone",
        inputs={
            "input_ids": ("Tokens", {"shape": (2, 12, 33), "low": 4, "high": 60}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
        },
        generation={
            "inputs": (),
            "fed": {"input_values": ("Floats", {"shape": (2, 1, 15360), "scale": 0.5})},
        },
    ),
    Row(
        "sam2_video",
        "what it remembers of a mask is 64 wide in its code, narrower than its features, and a sixteenth of the image",
        config=_TRACKER,
    ),
    Row(
        "sam3_tracker",
        "sizes of its feature maps follow from the image's",
        config={"vision_config": {"backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]]}},
    ),
    Row(
        "sam3_tracker_video",
        "what it remembers of a mask is 64 wide in its code, narrower than its features, and a sixteenth of the image",
        config={**_TRACKER, "vision_config": {"fpn_hidden_size": 128, "backbone_config": {"patch_size": 16}}},
    ),
    Row(
        "sam3_video",
        "its tracker reads the maps of its detector's tower, so both are of one image and one width, and what it remembers of "
        "a mask is 64 wide in its code, narrower than its features, and a sixteenth of the image; how many objects there are "
        "goes by random scores, but for one at most, and so does whether it is still there: else its mask is one number",
        config={
            "detector_config": {
                "vision_config": _SEEN,
                "geometry_encoder_config": {"hidden_size": 256},
                "detr_encoder_config": {"hidden_size": 256},
                "detr_decoder_config": {"hidden_size": 256},
                "mask_decoder_config": {"hidden_size": 256},
            },
            "tracker_config": {
                **_tracker(256),
                "vision_config": _SEEN,
                "mask_decoder_config": {"hidden_size": 256, "attention_downsample_rate": 1},
                "memory_fuser_num_layers": 1,  # a second one would magnify what is rounded, from frame to frame
            },
            "score_threshold_detection": 0.0,
            "new_det_thresh": 0.0,
            "hotstart_delay": 0,
            "max_num_objects": 1,
        },
    ),
    Row(
        "edgetam_video",
        "what it remembers of a mask is 64 wide in its code, narrower than its features, and a sixteenth of the image",
        config={**_TRACKER, "memory_attention_rope_k_sizes": [4, 4], "perceiver_resampler_num_latents_2d": 16},
    ),
    Row(
        "pp_ocrv5_server_det",
        "its default config leaves the kernels of its neck and the scales of its maps to the checkpoint",
        config={
            "neck_out_channels": 64,
            "intraclass_block_config": _INTRACLASS,
            "kernel_list": [3, 2, 2],
            "scale_factor_list": [1, 2, 4, 8],
        },
    ),
    Row(
        "pp_ocrv6_medium_det",
        "its default config leaves the kernels of its neck and the scales of its maps to the checkpoint, and its default "
        "backbone reads single lines",
        config={
            "backbone_config": _LINES_OF_TEXT,
            "neck_out_channels": 64,
            "intraclass_block_config": _INTRACLASS,
            "kernel_list": [3, 2, 2],
            "scale_factor_list": [1, 2, 4, 8],
        },
    ),
    Row(
        "pp_ocrv6_small_det",
        "its default backbone reads single lines, and the neck has a list of that backbone's widths",
        config={"backbone_config": _LINES_OF_TEXT, "layer_list_out_channels": [16, 32, 64, 64]},
    ),
    Row(
        "omdet-turbo",
        "it normalises the maps of another library's backbone, whose channels come last, and has a projection of its tasks "
        "only where they are wider than its queries; the mask of its classes does no more than name them in a cache",
        config={
            "apply_layernorm_after_vision_backbone": False,
            "class_embed_dim": 128,
            "text_projection_in_dim": 128,
            "text_projection_out_dim": 128,
            "text_config": {"hidden_size": 128},
        },
        indifferent=("classes_attention_mask",),
    ),
    Row(
        "perception_lm",
        "its code reads the width of a network of one width, and its default config names one of stages",
        config={
            "vision_config": {
                "architecture": "vit_pe_lang_large_patch14_448",
                "model_args": {
                    "layers": ...,
                    "channels": ...,
                    "img_size": [32, 32],
                    "patch_size": 8,
                    "embed_dim": 64,
                    "depth": 2,
                    "num_heads": 4,
                },
            }
        },
    ),
    Row(
        "edgetam",
        "its default config misspells the field that names its network, whose widths its neck has a list of",
        config={
            "vision_config": {
                "backbone_config": {
                    "architecture": "repvit_m1",
                    "num_classes": 2,  # without which the library makes no network's config of a dict
                    "model_args": {
                        "layers": ...,
                        "channels": ...,
                        "embed_dim": [8, 16, 24, 48],
                        "depth": [2, 2, 2, 2],
                        "features_only": True,
                        "out_indices": [0, 1, 2, 3],
                    },
                },
                "backbone_channel_list": [48, 24, 16, 8],
                "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            },
            "prompt_encoder_config": {"image_size": 64},
        },
    ),
    Row(
        "depth_pro",
        "its checkpoint has the model of the field of view, by which depths are scaled: without it the pipeline reads a "
        "field that the library drops from outputs that have none",
        config={"use_fov_model": True},
    ),
)
"""Rows about configs."""
