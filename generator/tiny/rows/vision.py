"""Models of images and videos whose config fields depend on each other in a way of their own."""

from __future__ import annotations

from typing import Any

from generator.tiny.rows.row import Row

__all__ = ["VISION"]


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

VISION: tuple[Row, ...] = (
    Row(
        "beit",
        "the segmentation neck takes four layers",
        heads=("BeitForSemanticSegmentation",),
        config={"num_hidden_layers": 4, "out_indices": [1, 2, 3, 4]},
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
"""Rows about configs of such models."""
