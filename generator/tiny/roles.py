"""What a config field's name and default say about its role, and the small value that the role gets; knows no model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 64
"""Hidden width: 4 heads of 16 lanes, and a multiple of 32 for group norms."""
HEADS = 4
"""Attention heads."""
LAYERS = 2
"""Layers of a stack: the least in which a layer reads another's output."""
VOCABULARY = 128
"""Vocabulary size; special token ids are moved below it."""
POSITIONS = 64
"""Positions that a text tower can address."""
IMAGE = 32
"""Side of an image in pixels for towers that cut it into patches once."""
STAGED_IMAGE = 64
"""Side of an image in pixels for towers that halve it stage by stage, up to 32 times smaller."""
PATCH = 8
"""Side of a patch in pixels: 16 patches an image."""


@dataclass(frozen=True)
class Role:
    """A role and the fields that play it."""

    name: str
    """What the field is."""
    pattern: re.Pattern[str]
    """Field names, matched from the start to the end."""
    small: Callable[[int], int]
    """The small value for a default value."""


def _at_most(limit: int) -> Callable[[int], int]:
    return lambda value: min(value, limit)


def _role(name: str, pattern: str, small: Callable[[int], int]) -> Role:
    return Role(name, re.compile(pattern), small)


ROLES: tuple[Role, ...] = (
    _role("places on a page, from 0 to 1000", r"max_2d_position_embeddings", lambda value: value),
    _role("pixels of a patch: 3 channels of 4 by 4", r"patch_embed_hidden_size", lambda value: min(value, 48)),
    # -1 keeps every pixel that looks like a corner, and random weights like all of them.
    _role("keypoints", r"max_keypoints", lambda _: 8),
    _role(
        "vocabulary",
        r"(.*_)?vocab(ulary)?_size|encoder_hash_byte_group_vocab|vocab_size_.*|image_vocab_size",
        _at_most(VOCABULARY),
    ),
    # Boxes come in thousandths of the page.
    _role("places on a page", r"max_2d_position_embeddings", _at_most(1024)),
    _role(
        "positions",
        r"(.*_)?max_(.*_)?(positions?|position_embeddings|seq_len|sequence_length|seq_length)|n_positions|n_ctx|"
        r"max_length|seq_len|seq_length|context_length|max_seqlen|block_size_tokens",
        _at_most(POSITIONS),
    ),
    _role("dense layers", r"first_k_dense_replace|(num|n)_dense_layers|moe_layer_start_index", _at_most(1)),
    _role("period of layers", r"(.*_)?layer_period|full_attention_interval|(.*_)?every_n_layers", _at_most(2)),
    _role("place of a layer", r"merge_index", _at_most(LAYERS - 1)),
    _role("place in a period", r"(.*_)?layer_offset", _at_most(1)),
    _role("low rank", r"(q|kv|o|.*)_lora_rank|laurel_rank|mamba_dt_rank|time_step_rank|adapter_rank", _at_most(16)),
    _role("state", r"(mamba_|ssm_)?(d_state|state_size|ssm_state_size)", _at_most(16)),
    _role("chunk", r"(mamba_)?chunk_size|context_size|local_attention|(local|lsh)_attn_chunk_length", _at_most(8)),
    _role("a layer's place", r"(.*_)?layer_(id|idx|index)|(.*_)?hidden_layer", _at_most(LAYERS - 1)),
    _role("keys that an indexer keeps", r"index_topk", _at_most(16)),
    # More than few, or none of them scores some keys, which then tie: a step with a cache may keep others of these.
    _role("heads of an indexer", r"index_n_heads", _at_most(16)),
    _role("features of an image", r"mm_tokens_per_image", _at_most(4)),
    _role("corners of a cell and none", r"keypoint_decoder_dim", lambda value: value),
    _role("overlap with the past", r"label_length", _at_most(2)),
    _role("groups of experts", r"n_group|num_expert_groups?|topk_group", _at_most(2)),
    _role("experts", r"(.*_)?(num|n)_(.*_)?experts|moe_num_experts|num_routed_experts", _at_most(4)),
    _role(
        "experts per token",
        r"(.*_)?num_experts_per_tok(en)?|moe_topk|(moe_)?top_k(_experts)?|num_experts_per_token|moe_k",
        _at_most(2),
    ),
    _role(
        "key-value heads", r"(.*_)?(num|n)_(key_value|kv)_heads|(.*_)?kv_heads|num_key_value_groups", _at_most(HEADS)
    ),
    _role("heads", r"(.*_)?((num|n)_(.*_)?heads?|attention_heads|nhead|heads)", _at_most(HEADS)),
    _role(
        "head width",
        r"(.*_)?head_(dim|size)|d_kv|(qk|v)_.*head_dim|attention_head_dim|key_length|kv_channels|dim_head|d_head",
        _at_most(WIDTH // HEADS),
    ),
    _role("rotary width", r"rotary_(dim|emb_dim|ndims)", _at_most(WIDTH // HEADS // 2)),
    _role(
        "layers",
        r"((num|n)_(.*_)?layers?|(.*_)?layers|(.*_)?depth|max_window_layers|num_blocks|num_self_attends_per_block|num_mel_attn_blocks)",
        _at_most(LAYERS),
    ),
    _role(
        "feed-forward width",
        r"(.*_)?(ffn_dim|ffn_hidden_size|intermediate_size|intermediate_dim|d_ff|n_inner|inner_dim|mlp_dim|ff_dim"
        r"|feedforward_dim|feed_forward_size|ffn_size|dim_feedforward|intermediate_size_mlp|dff|dim_ff|d_inner"
        r"|latent_channels)|hidden_dim",
        _at_most(2 * WIDTH),
    ),
    _role(
        "queries",
        r"(.*_)?(num_query_tokens|num_queries|n_latents|latent_query_num|num_latents|num_global_tokens)",
        _at_most(4),
    ),
    _role(
        "codebook", r"(.*_)?codebook_size|num_codevectors_per_group|num_embeddings|codebook_vocab_size", _at_most(WIDTH)
    ),
    _role("frames of a chunk", r"n_window(_infer)?", lambda value: value),
    _role(
        "window",
        r"(.*_)?(window_size|sliding_window|attention_window|local_radius|block_size|window|attention_chunk_size)",
        _at_most(8),
    ),
    _role("windows of an image", r"num_windows", _at_most(4)),
    _role("mel bins", r"(.*_)?(num_mel_bins|n_mels|mel_bins|num_mel_channels)", _at_most(16)),
    _role("convolutional positions", r"num_conv_pos_embeddings", _at_most(16)),
    _role("convolutional groups", r"num_conv_pos_embedding_groups", _at_most(4)),
    _role("convolution filters", r"(.*_)?num_filters", _at_most(8)),
    _role("channels in groups of 32", r"base_channels", _at_most(32)),
    _role("positions of a lane", r"num_pos_feats", _at_most(WIDTH // 2)),
    _role(
        "width",
        r"(.*_)?(hidden_size|hidden_dims?|d_model|n_embd|embed_dim|embedding_size|embedding_dim|emb_size|emb_dim|dim|width"
        r"|projection_dim|proj_dim|output_proj_dims|proj_size|hidden_units|units|output_dim|channels_dim|hidden_channels|embed_dims"
        r"|reduce_dim|filters|conv_channels|auxiliary_channels|codevector_dim|pooler_output_size|latent_dim|model_dim|num_hiddens|feature_size"
        r"|output_channels|projection_size|vector_quantization_hidden_dimension|d_latents|bottleneck_features"
        r"|upsample_initial_channel|flow_size|hidden_size_global|adapter_input_size|retrieval_vector_size|post_conv_in_channels)",
        _at_most(WIDTH),
    ),
)
"""Roles of integer fields; the first that matches decides."""

TOKEN_ID = re.compile(
    r"(?!num_|n_|max_|min_)(.*_)?(token_ids?|token_index|tokens|token_indices|pad|bos|eos|(patch|placeholder)(?=_id$))(_id)?"
)
"""Names of fields that hold ids into the vocabulary."""
LAYER_INDICES = re.compile(
    r"(.*_)?(extract_layers|intermediate_layers_indices|deepstack_visual_indexes|feature_layers|layer_indices|fullatt_block_indexes|hook_ids)"
)
"""Names of fields that hold indices of layers."""
STAGE_WIDTHS = re.compile(
    r"(.*_)?(hidden_sizes|conv_dim|embed_dim|.*_per_stage|channel_list|channels_list|tdnn_dim|embed_dims|widths|channels|num_filters|dims|hidden_dims|encoder_hidden_sizes)"
)
"""Names of sequences with a width for each stage."""
STAGE_DEPTHS = re.compile(
    r"(.*_)?(depths|depth|blocks_per_stage|stage_numb_of_layers|block_sizes|num_block_repeats|layer_depths|num_blocks|blocks)"
)
"""Names of sequences with a depth for each stage."""
STAGE_HEADS = re.compile(r"(.*_)?(num_heads|num_attention_heads_per_stage|num_attention_heads|heads)")
"""Names of sequences with a number of heads for each stage."""


UNSET = {
    "vocab_size": VOCABULARY,
    "prediction_length": 4,
    "num_experts_per_tok": 2,
    "n_group": 1,
    "topk_group": 1,
    "n_shared_experts": 1,
    "n_routed_experts": 4,
    "num_experts": 4,
    "top_k_experts": 2,
    "moe_intermediate_size": WIDTH,
    "decoder_hidden_size": WIDTH,
    "decoder_depth": LAYERS,
    "decoder_num_heads": HEADS,
    "indexer_n_heads": HEADS,
    "indexer_kv_heads": 1,
    "indexer_head_dim": WIDTH // HEADS,
    "indexer_budget": 8,
    "indexer_compress_ratio": 2,
}
"""Sizes that some default configs leave unset although no model can be built so."""


WIDTHS = ("width", "feed-forward width", "head width", "low rank", "rotary width", "positions of a lane")
"""Roles of fields that grow and shrink with the hidden width."""


def named(name: str) -> str | None:
    """The name of the role that field ``name`` plays, None if it plays none that is known."""
    return next((role.name for role in ROLES if role.pattern.fullmatch(name)), None)


def small(name: str, value: int) -> int:
    """The value that the role of field ``name`` gives where its default is ``value``; that default if none matches."""
    for role in ROLES:
        if role.pattern.fullmatch(name):
            return role.small(value)
    return value


def small_sequence(name: str, values: Sequence[int]) -> list[int]:
    """Small values for a field that holds one integer a stage.

    Widths keep their ratios and stay multiples of 8, so that equal widths stay equal across lists; heads become
    powers of two, which divide them.
    """
    if STAGE_WIDTHS.fullmatch(name) and len(set(values)) == 1:
        return [min(value, WIDTH) for value in values]  # not stages that grow, but the one width several times
    if STAGE_DEPTHS.fullmatch(name):
        return [min(value, LAYERS) for value in values]
    if STAGE_HEADS.fullmatch(name):
        return [1 << (min(value, 8).bit_length() - 1) for value in values]
    if STAGE_WIDTHS.fullmatch(name):
        return [min(value, max(8, -(-value // 64) * 8)) for value in values]
    return list(values)


FACTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "vocab_size": (("vocab_size",), "text"),
    "max_position_embeddings": (("max_position_embeddings",), "text"),
    "decoder_start_token_id": (("decoder_start_token_id",), "text"),
    "eos_token_id": (("eos_token_id",), "text"),
    "pad_token_id": (("pad_token_id",), "text"),
    "image_size": (("image_size",), "vision"),
    "patch_size": (("patch_size",), "vision"),
    "num_channels": (("num_channels",), "vision"),
    "image_token_id": (("image_token_id", "image_token_index"), "text"),
    "video_token_id": (("video_token_id", "video_token_index"), "text"),
    "audio_token_id": (("audio_token_id", "audio_token_index"), "text"),
    "sampling_rate": (("sampling_rate",), "audio"),
    "num_mel_bins": (("num_mel_bins",), "audio"),
    "context_length": (("context_length",), "text"),
    "prediction_length": (("prediction_length",), "text"),
}
"""Facts that a family's template may state: attribute of the skill, names in the config, and the nested config that
speaks for it where there is one."""
