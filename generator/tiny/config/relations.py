"""Arguments that follow from several fields at once; each relation looks at one config and knows no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from generator.tiny import roles
from generator.tiny.config import attention, depth
from generator.tiny.config.values import Fields

__all__ = ["maps", "merged", "related"]


def related(fields: Fields) -> dict[str, Any]:
    """What the relations change, each seeing what those before it changed."""
    changes: dict[str, Any] = {}
    for relation in _RELATIONS:
        changes |= relation(Fields(fields.defaults, {**fields.small, **changes}))
    return changes


def _series(fields: Fields) -> dict[str, Any]:
    """A series is brought to one scale and one place, of which the mean alone gives the place as zero; and something is
    known of each point in time where the model takes that."""
    changes: dict[str, Any] = {}
    if fields.has("scaling", "prediction_length") and fields.get("scaling"):
        changes["scaling"] = "std"
    if fields.defaults.get("num_time_features") == 0:
        changes["num_time_features"] = 2
    return changes


def _fractions(fields: Fields) -> dict[str, Any]:
    """A width of which a part is taken as a fraction leaves that part the usual width, to which its code may round."""
    factors = [value for name, value in fields.defaults.items() if name.endswith("_dim_factor")]
    if not factors or not 0 < min(factors) < 1:
        return {}
    widths = [name for name in ("hidden_size", "embedding_dim") if fields.has(name)]
    return {name: int(roles.WIDTH / min(factors)) for name in widths}


def _page_positions(fields: Fields) -> dict[str, Any]:
    """Four coordinates and two measures of a box share the hidden width."""
    if fields.has("coordinate_size", "shape_size"):
        width = fields.get("hidden_size")
        return {"coordinate_size": width // 8, "shape_size": width // 4}
    return {}


def _stride(fields: Fields) -> dict[str, Any]:
    """An image decoder's stride that is the patch's side stays so."""
    patch, stride = fields.defaults.get("patch_size"), fields.defaults.get("encoder_stride")
    if stride is not None and stride == patch and "patch_size" in fields.small:
        return {"encoder_stride": fields.small["patch_size"]}
    return {}


def _told_tokens(fields: Fields) -> dict[str, Any]:
    """An image of which a config says how many tokens it is, one a patch, stays of as many patches: a processor may have
    the number in its code (Janus's, before 5.23)."""
    told, side, patch = (fields.defaults.get(name) for name in ("num_image_tokens", "image_size", "patch_size"))
    if not (type(told) is type(side) is type(patch) is int) or (side // patch) ** 2 != told:
        return {}
    return {"image_size": side // patch * fields.get("patch_size")}


def _labels(fields: Fields) -> dict[str, Any]:
    """Classes that a config counts by a field of its own have no names unless it is told them (PVT)."""
    if not isinstance(fields.defaults.get("num_labels"), int) or fields.has("id2label"):
        return {}
    return {"num_labels": 2, "id2label": {"0": "LABEL_0", "1": "LABEL_1"}}


def _border(fields: Fields) -> dict[str, Any]:
    """A border that is painted over images keeps its share of the largest, which goes through a network of stages."""
    if not fields.has("max_img_size", "visual_prompt_size"):
        return {}
    side = min(fields.defaults["max_img_size"], roles.STAGED_IMAGE)
    border = fields.defaults["visual_prompt_size"] * side // fields.defaults["max_img_size"]
    return {"max_img_size": side, "visual_prompt_size": border}


def _padding(fields: Fields) -> dict[str, Any]:
    """Classifiers need a padding id to find the last token of a row."""
    return {"pad_token_id": 0} if fields.has("pad_token_id") and fields.defaults["pad_token_id"] is None else {}


def _default_member(fields: Fields) -> dict[str, Any]:
    """A default that a checkpoint sets is one of those that the config lists: the language of ``languages``."""
    changes = {}
    for name, value in fields.defaults.items():
        members = fields.get(f"{name.removeprefix('default_')}s") if name.startswith("default_") else None
        if value is None and isinstance(members, (list, tuple)) and members:
            changes[name] = members[0]
    return changes


def _unset(fields: Fields) -> dict[str, Any]:
    """Sizes that a default config leaves to the checkpoint, although the model cannot be built without them."""
    changes = {name: value for name, value in roles.UNSET.items() if fields.has(name) and fields.defaults[name] is None}
    if fields.defaults.get("enable_moe_block") is False:
        changes = {name: value for name, value in changes.items() if "expert" not in name and "moe" not in name}
    return changes


def maps(defaults: Mapping[str, Any], before: int | None, after: int | None) -> dict[str, Any]:
    """Sizes of feature maps that are whole fractions of the image's side stay those fractions.

    Args:
        defaults: fields of the default config.
        before: side of the image by default.
        after: side of the tiny image.
    """
    if not before or not after or before == after:
        return {}

    def scaled(value: Any) -> Any:
        return [scaled(item) for item in value] if isinstance(value, (list, tuple)) else value * after // before

    return {
        name: scaled(value)
        for name, value in defaults.items()
        if name.endswith("feature_sizes") and isinstance(value, (list, tuple)) and min(_flat(scaled(value))) > 0
    }


def merged(outer: Mapping[str, Any], tower: Fields) -> dict[str, Any]:
    """Widths of a config that are those of a tower's features, of which a square of patches makes one, stay so.

    Args:
        outer: fields of the default config.
        tower: fields of the nested one.
    """
    side, width = tower.get("merge_size", "spatial_merge_size"), tower.defaults.get("hidden_size")
    if not isinstance(side, int) or side < 2 or not isinstance(width, int):
        return {}
    made = tower.get("hidden_size") * side**2
    return {name: made for name, value in outer.items() if name.endswith("hidden_size") and value == width * side**2}


def _flat(value: Any) -> list[int]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, (list, tuple)) else [value]


def _norm_groups(fields: Fields) -> dict[str, Any]:
    """Groups of a norm divide the narrowest stage."""
    return {
        name: min(value, 4)
        for name in ("num_groups", "norm_groups", "norm_num_groups", "group_norm_num_groups")
        if type(value := fields.defaults.get(name)) is int and value > 4
    }


def _grouped_upsampling(fields: Fields) -> dict[str, Any]:
    """A convolution with a group for each channel keeps one."""
    if (
        fields.has("upsample_groups", "hidden_size")
        and fields.defaults["upsample_groups"] == fields.defaults["hidden_size"]
    ):
        return {"upsample_groups": fields.get("hidden_size")}
    return {}


def _cutoffs(fields: Fields) -> dict[str, Any]:
    """Places where an adaptive softmax cuts the vocabulary stay the same shares of it."""
    before, after, cuts = fields.defaults.get("vocab_size"), fields.get("vocab_size"), fields.defaults.get("cutoffs")
    if not isinstance(cuts, (list, tuple)) or not isinstance(before, int):
        return {}
    return {"cutoffs": [max(place + 1, item * after // before) for place, item in enumerate(cuts)]}


_RELATIONS: tuple[Callable[[Fields], dict[str, Any]], ...] = (
    _unset,
    _default_member,
    attention.groups_of_heads,
    attention.window_a_layer,
    attention.head_width,
    attention.latent_heads,
    attention.windows,
    attention.whole_window,
    _series,
    _fractions,
    _page_positions,
    depth.first_stage,
    depth.last_stage,
    depth.counted_stages,
    _stride,
    _told_tokens,
    _border,
    _labels,
    _padding,
    attention.rotary_sections,
    attention.rotary_factors,
    attention.inner_heads,
    depth.indices,
    depth.taken_states,
    _norm_groups,
    _grouped_upsampling,
    depth.shared_layers,
    _cutoffs,
    depth.sublayers,
)
