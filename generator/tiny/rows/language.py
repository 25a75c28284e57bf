"""Models of text, sound or proteins, also with images, whose config fields depend on each other in their own way."""

from __future__ import annotations

from generator.tiny.rows.row import Row

__all__ = ["LANGUAGE"]

_LANES = {"num_uid_rope_pairs": 2}
"""Rotary lanes for an atom's id: beside two for each of three axes, as many as half a head of 16 has left."""

LANGUAGE: tuple[Row, ...] = (
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
        "it has no forward: generate() writes, and here does not speak, which takes a vocabulary of more than 1024 codes; its "
        "talker's config class does not declare the widths that its code reads",
        config={
            "talker_config": {
                "spatial_merge_size": 2,
                "speaker_id": {"ethan": 3},
                "text_config": {"shared_expert_intermediate_size": 64},
            }
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
        "it has no forward: generate() writes, here without speaking, for a speaker whom a file beside a checkpoint's "
        "weights makes known; each block of its vocoder has three dilations in its code",
        config={"token2wav_config": {"bigvgan_config": {"resblock_dilation_sizes": [[1, 3, 5]] * 3}}},
        steps=(
            {"call": "$model.speaker_map.update", "arguments": [{"Chelsie": {"bos_token": 3}}], "name": "speaker"},
            {
                "call": "generate",
                "arguments": {
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
)
"""Rows about configs of such models."""
