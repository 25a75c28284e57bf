"""Images and videos, as grids of pixels or as rows of patches, and what goes with them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping

from generator.spec import InputSpec
from generator.tiny import roles
from generator.tiny.config import networks
from generator.tiny.inputs.context import BATCH, CHOICES, FRAMES, PATCHES, Answer, Context, Rule, batch
from generator.tiny.inputs.text import multiple_choice, sees_several

__all__ = ["RULES"]

_GRIDS = ("image_grid_thw", "image_grid_hw", "image_grid_hws", "grid_thw", "grid_thws", "grid_hws")
"""Parameters that say how many patches an image has each way, where the patches come as rows."""
_IMAGES_AND_TARGET = 2
"""Grids of a row where they are counted by row: an image that is given, and the one that is to be drawn."""


def _side(context: Context) -> tuple[int, int]:
    value = (
        context.find("image_size", within="vision")
        or context.find("image_size", within="image")
        or context.find("image_size", "img_size", "max_img_size")
        or (context.find("input_size") if context.find("patch_size") else None)
    )
    if value is None:  # a network of timm has its size among its arguments, if it is of one size
        value = networks.side(context.find("model_args") or {})
    if isinstance(value, Mapping):
        return value["height"], value["width"]
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _channels(context: Context) -> int:
    return context.find("num_channels", within="vision") or context.find("num_channels", "in_channels_image") or 3


def _patch(context: Context) -> int:
    # Where patches are joined before the model, it takes the joined ones.
    names = ("model_patch_size", "patch_size")
    value = context.find(*names, within="vision") or context.find(*names)
    return value if isinstance(value, int) else (value or [roles.PATCH])[-1]


def _merged(context: Context) -> int:
    """Patches a side that one feature is made of."""
    value = context.find(
        "spatial_merge_size",
        "merge_size",
        "merge_kernel_size",
        "window_kernel_size",
        "downsample_factor",
        within="vision",
    ) or context.find("spatial_merge_size", "merge_size", "merge_kernel_size", "downsample_factor")
    if value is None:
        return 1
    return value if isinstance(value, int) else value[-1]


def _grid(context: Context) -> int:
    """Patches a side of an image that comes as rows of patches: two features each way at least."""
    return max(2 * _merged(context), min(_side(context)[0], roles.IMAGE) // _patch(context))


def _steps_of_patch(context: Context) -> int:
    """Frames that a patch spans; 0 where the config does not say."""
    names = ("temporal_patch_size", "patch_temporal")
    return context.find(*names, within="vision") or context.find(*names) or 0


def _lanes(context: Context) -> int:
    """Numbers in a patch."""
    return int(_channels(context) * (_steps_of_patch(context) or 1) * _patch(context) ** 2)


def _steps(context: Context) -> int:
    """Steps in time of a video that comes as rows of patches: one, since some models take a video apart, unless several
    are merged."""
    return context.find("temporal_merge_size", within="vision") or context.find("temporal_merge_size") or 1


def _picture(context: Context) -> tuple[int, int]:
    """Height and width of a picture that is given: half as high where a prompt is put on top of it; of a whole number of
    patches at the least scale where it is looked at in several."""
    height, width = _side(context)
    if "prompt_pixel_values" in context.forward and height == 2 * width:
        return height // 2, width
    scales = context.find("scaled_images_ratios")
    if isinstance(scales, (list, tuple)) and scales:
        return int(height / min(scales)), int(width / min(scales))
    return height, width


def _pixels(context: Context, name: str) -> Answer:
    size = (_channels(context), *_picture(context))
    several = InputSpec(name, "Floats", {"shape": (BATCH, 1, *size)})
    if any(grid in context.forward for grid in _GRIDS) and not _of_one_size(context):
        rows, patch = BATCH * _grid(context) ** 2, _patch(context)
        whole = (rows, _channels(context), patch, patch)
        padded = (BATCH, rows // BATCH, _lanes(context))
        feature = _merged(context) * patch  # the square of pixels that becomes one feature, as a picture of its own
        squares = (rows, feature, feature, _channels(context))
        shapes = ((rows, _lanes(context)), whole, padded, squares)
        return [InputSpec(name, "Floats", {"shape": shape}) for shape in shapes]
    if "target_sizes" in context.forward:  # patches of all images side by side in one long strip
        patch = _patch(context)
        strip = (1, _channels(context), patch, BATCH * _grid(context) ** 2 * patch)
        return InputSpec(name, "Floats", {"shape": strip, "axis": 3})
    if "image_token_pooling" in context.forward:  # an image as a row of patches
        return InputSpec(name, "Floats", {"shape": (BATCH, _places(context), _lanes(context))})
    if "spatial_shapes" in context.forward or "image_position_ids" in context.forward:
        return InputSpec(name, "Floats", {"shape": (BATCH, _grid(context) ** 2, _lanes(context))})
    if "image_sizes" in context.forward and context.find("image_grid_pinpoints"):
        return InputSpec(name, "Floats", {"shape": (BATCH, 2, *size)})  # the whole image and one tile
    if "aspect_ratio_ids" in context.forward:
        return InputSpec(name, "Floats", {"shape": (BATCH, 1, context.find("max_num_tiles") or 1, *size)})
    if sees_several(context):
        return several
    if "pixel_attention_mask" in context.forward:
        return [several, InputSpec(name, "Floats", {"shape": (BATCH, 2, *size)})]
    frames = context.find("num_frames")
    if "MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING" in context.mappings:
        return InputSpec(name, "Floats", {"shape": (BATCH, frames, *size) if frames else (BATCH, *size)})
    images = [(BATCH, *size), (BATCH, frames or 2, *size), (BATCH, 1, *size)]  # one, or several such as a pair
    if context.find("patch_size"):  # without a tower, as rows of patches
        patches = _grid(context) ** 2
        images += [(BATCH, patches, _lanes(context)), (BATCH * patches, _lanes(context))]
        if _steps_of_patch(context):  # and with time, height, width and colours apart
            patch = _patch(context)
            images.append((BATCH, _steps_of_patch(context), patch, patch, _channels(context)))
    images.append((BATCH, size[0], 2 * size[1], 2 * size[2]))  # for a tower that halves once more than the usual one
    return [InputSpec(name, "Floats", {"shape": shape}) for shape in images]


def _of_one_size(context: Context) -> bool:
    """Whether images come as they are to a head that can do without their grids: only those of several sizes are rows of
    patches with one (RADIO). Beside a text there are always such."""
    optional = all(context.forward[name].default is None for name in _GRIDS if name in context.forward)
    return optional and "input_ids" not in context.forward


def _video(context: Context, name: str) -> Answer:
    if "video_grid_thw" in context.forward:
        rows, patch = BATCH * _steps(context) * _grid(context) ** 2, _patch(context)
        whole = (rows, _channels(context), patch, patch)
        return [InputSpec(name, "Floats", {"shape": shape}) for shape in ((rows, _lanes(context)), whole)] + [None]
    if "target_sizes_videos" in context.forward:
        patch = _patch(context)
        strip = (1, _channels(context), patch, BATCH * _grid(context) ** 2 * patch)
        return InputSpec(name, "Floats", {"shape": strip, "axis": 3})
    if "video_token_pooling" in context.forward:
        shape = (BATCH * FRAMES // 2, _places(context), _lanes(context))  # frames of all videos one after the other
        return [InputSpec(name, "Floats", {"shape": shape}), None]
    if "video_position_ids" in context.forward:
        return InputSpec(name, "Floats", {"shape": (*_clips(context), _grid(context) ** 2, _lanes(context))})
    frames = context.find("num_frames") or FRAMES
    clip = InputSpec(name, "Floats", {"shape": (BATCH, frames, _channels(context), *_side(context))})
    if "pixel_values" not in context.forward:
        return clip
    row = InputSpec(name, "Floats", {"shape": (BATCH * frames, _channels(context), *_side(context))})
    return [clip, row, None]  # some take the frames of all videos in a row, some images or videos, not both


def _clips(context: Context) -> tuple[int, ...]:
    """Axes of the frames of all videos: one after the other where those of each are counted, else by video."""
    return (BATCH * FRAMES // 2,) if "num_frames_per_video" in context.forward else (BATCH, FRAMES // 2)


def _places(context: Context) -> int:
    """Patches of an image that comes as a row of them, with a position for each."""
    return context.find("num_position_embeddings", within="vision") or _grid(context) ** 2


def _pooled(context: Context, name: str) -> InputSpec:
    """Which patches become one feature, two by two: places in a list of the patches of all rows."""
    frames = FRAMES // 2 if name.startswith("video") else 1
    side = math.isqrt(_places(context))
    tops = [
        frame * side**2 + side * row + column
        for frame in range(frames)
        for row in range(0, side, 2)
        for column in range(0, side, 2)
    ]
    step = frames * side**2
    windows = [[start + place for place in (0, 1, side, side + 1)] for start in tops]
    values = [[step * row + place for place in window] for row in range(BATCH) for window in windows]
    return InputSpec(name, "Literal", {"values": values, "step": step})


def _grid_of_pooled(context: Context, name: str) -> InputSpec:
    """Features each way: of an image as a whole and of its tiles, which it has none of; of a video with its frames."""
    side = math.isqrt(_places(context)) // 2
    sizes = [FRAMES // 2, side, side] if name.startswith("video") else [side, side, 0, 0]
    return InputSpec(name, "Literal", {"values": [sizes] * BATCH})


def _image_grid(context: Context, name: str) -> Answer:
    if _of_one_size(context):
        return None
    side = _grid(context)
    sides = [side, side] if name.endswith(("_hw", "_hws")) else [1, side, side]
    of_row = _IMAGES_AND_TARGET if "images_per_sample" in context.forward else 1
    return InputSpec(name, "Literal", {"values": [sides] * (BATCH * of_row)})


def _images_of_row(context: Context, name: str) -> Answer:
    return InputSpec(name, "Literal", {"values": [_IMAGES_AND_TARGET] * batch(context)})


def _video_grid(context: Context, name: str) -> Answer:
    side = _grid(context)
    return InputSpec(name, "Literal", {"values": [[_steps(context), side, side]] * BATCH})


def _shapes_in_patches(context: Context, name: str) -> Answer:
    side = _grid(context)
    return InputSpec(name, "Literal", {"values": [[side, side]] * BATCH})


def _positions_of_patches(context: Context, name: str) -> Answer:
    side = _grid(context)
    places = [[place % side, place // side] for place in range(side * side)]
    return InputSpec(name, "Literal", {"values": [places] * BATCH})


def _positions_of_frames(context: Context, name: str) -> Answer:
    side = _grid(context)
    places = [[place % side, place // side] for place in range(side * side)]
    *videos, frames = _clips(context)
    clip = [places] * frames
    return InputSpec(name, "Literal", {"values": [clip] * videos[0] if videos else clip})


def _frames_of_videos(context: Context, name: str) -> Answer:
    return InputSpec(name, "Literal", {"values": [FRAMES // 2] * batch(context)})


def _high_resolution(context: Context, name: str) -> Answer:
    side = context.find("image_size", within="high_res") or 2 * _side(context)[0]
    return InputSpec(name, "Floats", {"shape": (BATCH, _channels(context), side, side)})


def _like_pixels(context: Context, name: str) -> Answer:
    return InputSpec(name, "Floats", {"shape": (BATCH, _channels(context), *_picture(context))})


def _regions(context: Context, name: str) -> Answer:
    return InputSpec(name, "Floats", {"shape": (BATCH, PATCHES, context.find("visual_feat_dim"))})


def _places_of_regions(context: Context, name: str) -> Answer:
    return InputSpec(name, "Floats", {"shape": (BATCH, PATCHES, context.find("visual_pos_dim") or 4)})


def _embedded_regions(context: Context, name: str) -> Answer:
    width = context.find("visual_embedding_dim")
    if width is None or not isinstance(width, int):
        return None
    shape = (BATCH, CHOICES, PATCHES, width) if multiple_choice(context) else (BATCH, PATCHES, width)
    return [InputSpec(name, "Floats", {"shape": shape}), None]


def _visible_pixels(context: Context, name: str) -> Answer:
    """Which pixels, or which patches, are not padding; fed only where rows of patches go with it."""
    if "spatial_shapes" not in context.forward:
        return None
    return InputSpec(name, "Mask", {"shape": (BATCH, _grid(context) ** 2)})


def _merge_sizes(context: Context, name: str) -> Answer:
    return InputSpec(name, "Literal", {"values": [_merged(context)] * BATCH})


def _aspect_ratios(context: Context, name: str) -> Answer:
    return InputSpec(name, "Literal", {"values": [[1]] * batch(context)})  # the first ratio: one tile


def _aspect_mask(context: Context, name: str) -> Answer:
    tiles = context.find("max_num_tiles") or 1
    return InputSpec(name, "Literal", {"values": [[[1] + [0] * (tiles - 1)]] * BATCH})


def _masked_patches(context: Context, name: str) -> InputSpec | None:
    required = context.forward[name].default is inspect.Parameter.empty
    masks = "MODEL_FOR_MASKED_IMAGE_MODELING_MAPPING" in context.mappings or "codebook_pixel_values" in context.forward
    if not required and not masks:
        return None
    height, width = _side(context)
    patch = context.find("patch_size", within="image") or context.find("patch_size")
    count = (height // patch) * (width // patch)
    if context.find("num_frames") and isinstance(context.find("tubelet_size"), int):
        count *= context.find("num_frames") // context.find("tubelet_size")
    return InputSpec(name, "Booleans", {"shape": (BATCH, count), "true": count // 2})


def _image_sizes(context: Context, name: str) -> Answer:
    sizes = InputSpec(name, "Literal", {"values": [list(_side(context))] * BATCH})
    return sizes if context.find("image_grid_pinpoints") else [None, sizes]


def _flattened_patches(context: Context, name: str) -> InputSpec:
    width = 2 + context.find("patch_embed_hidden_size")
    return InputSpec(name, "FlattenedPatches", {"shape": (BATCH, PATCHES, width), "columns": PATCHES // 2})


def _codebook_pixels(context: Context, name: str) -> InputSpec:
    # The codebook's image tower halves three times, and must give one code for each patch of the image.
    patches = _side(context)[0] // context.find("patch_size", within="image")
    return InputSpec(name, "Floats", {"shape": (BATCH, 3, 8 * patches, 8 * patches)})


RULES: Mapping[str, Rule] = {
    "pixel_values": _pixels,
    "pixel_values_images": _pixels,
    "pixel_values_videos": _video,
    "bool_masked_pos": _masked_patches,
    "image_sizes": _image_sizes,
    "flattened_patches": _flattened_patches,
    "codebook_pixel_values": _codebook_pixels,
    **dict.fromkeys(_GRIDS, _image_grid),
    "image_token_pooling": _pooled,
    "video_token_pooling": _pooled,
    "image_grids": _grid_of_pooled,
    "video_grids": _grid_of_pooled,
    "images_per_sample": _images_of_row,
    "video_grid_thw": _video_grid,
    "spatial_shapes": _shapes_in_patches,
    "target_sizes_videos": _shapes_in_patches,
    "target_sizes": _shapes_in_patches,
    "image_position_ids": _positions_of_patches,
    "video_position_ids": _positions_of_frames,
    "num_frames_per_video": _frames_of_videos,
    "high_res_pixel_values": _high_resolution,
    "prompt_pixel_values": _like_pixels,
    "prompt_masks": _like_pixels,
    "visual_feats": _regions,
    "visual_pos": _places_of_regions,
    "visual_embeds": _embedded_regions,
    "pixel_attention_mask": _visible_pixels,
    "image_merge_sizes": _merge_sizes,
    "video_merge_sizes": _merge_sizes,
    "aspect_ratio_ids": _aspect_ratios,
    "aspect_ratio_mask": _aspect_mask,
}
"""Rules for images and videos."""
