"""SkillSpec: everything a template may see of a skill. Plain frozen data, JSON-serialisable, no behaviour
beyond (de)serialisation; not the place where any of it is found out."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

FAMILIES = (
    "encoder-only",
    "decoder-only",
    "encoder-decoder",
    "vision",
    "vision-text",
    "speech",
    "multimodal",
    "time-series",
    "other",
)
"""The families an architecture can belong to; each names a template."""

TIERS = ("critical", "high", "medium", "long-tail")
"""Tiers from the most to the least urgent."""


@dataclass(frozen=True)
class InputSpec:
    """One argument of a head's ``forward``, as a constructor call that the skill file will hold."""

    name: str
    """Parameter name of ``forward``."""
    kind: str
    """Class of ``harness.inputs`` that makes the tensor: Tokens, Integers, Floats, Mask, Booleans, Literal."""
    arguments: dict[str, Any]
    """Keyword arguments of that class: ``shape`` always (but for Literal), bounds, runs, ``matters``."""


@dataclass(frozen=True)
class OutputSpec:
    """One named tensor that the head's ``forward`` gives for the inputs of the spec."""

    name: str
    """Field of the ModelOutput; members of tuples and lists are dotted: ``hidden_states.0``."""
    shape: tuple[int, ...]
    """Shape for the inputs as given in the spec."""
    dtype: str
    """torch's name without the prefix: float32, int64, bool."""


@dataclass(frozen=True)
class HeadSpec:
    """A model class of the architecture, with what it takes and gives."""

    class_name: str
    """Public class of transformers."""
    mappings: tuple[str, ...]
    """transformers mappings that hold it, without ``_NAMES``: MODEL_FOR_CAUSAL_LM_MAPPING."""
    pipelines: tuple[str, ...]
    """Tasks of transformers' pipeline registry that would load it."""
    primary: bool
    """The one head that stands for the architecture."""
    config: dict[str, Any]
    """Config arguments of this head, on top of the skill's."""
    inputs: tuple[InputSpec, ...]
    """Arguments of ``forward``, in the order of its signature."""
    outputs: tuple[OutputSpec, ...]
    """What ``forward`` gives for them."""
    parameters: int
    """Count of the tiny model's parameters, shared ones once."""
    batch: int
    """Rows in the inputs that can be taken apart; 1 where the model takes one only, or scores them against each other."""
    generation: dict[str, Any] | None
    """Keyword arguments of ``generate()`` for a generative head, None for all others."""
    notes: tuple[str, ...] = ()
    """Reasons of the rows that were needed, for the reader of the skill."""
    infinite: tuple[str, ...] = ()
    """Outputs that may hold negative infinity, such as the logits of padding; a note says why."""
    fixed: tuple[str, ...] = ()
    """Outputs that need not follow the weights, such as anchors; a note says why."""
    config_class: str | None = None
    """Public config class of the head where it is not the skill's."""
    part: str | None = None
    """Argument of the skill's config whose nested config the head is built from: MusicgenForCausalLM, of "decoder"."""
    within: str | None = None
    """Argument of ``config_class`` that takes the skill's config whole: JevForDecision, in "text_config"."""
    method: str = "forward"
    """What a user of the head calls with the inputs."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Further keyword arguments of that call, plain values."""
    steps: tuple[dict[str, Any], ...] = ()
    """What a user does in place of that one call, in order: ``call``, ``arguments``, ``name``, ``stream``, as
    ``harness.steps`` defines them."""
    generation_config: dict[str, Any] = field(default_factory=dict)
    """Attributes that the model's generation config must hold, which a real checkpoint brings in its own file."""
    made_by: str | None = None
    """The part of the skill's ``processor`` that makes the inputs of its users; None where none of them does."""
    unsettled: str | None = None
    """Why the head could not be built where the skill was written; inputs, outputs and parameters are then unknown."""


@dataclass(frozen=True)
class SkillSpec:
    """One architecture as its skill file will state it."""

    model_type: str
    """Canonical key of the architecture."""
    module: str
    """Module of the skill without the package: hf_gptj."""
    class_name: str
    """Class of the skill: GPTJ."""
    title: str
    """Name for people, from the library: GPT-J, or the class name."""
    family: str
    """One of FAMILIES; chooses the template."""
    tier: str
    """One of TIERS."""
    modalities: tuple[str, ...]
    """What it takes in: text, image, video, audio, time-series, table, …, sorted."""
    checkpoint: str | None
    """Reference checkpoint that the config's own documentation names."""
    requires: tuple[str, ...]
    """Optional libraries that its modelling code needs, by distribution name."""
    config_class: str
    """Public config class of transformers."""
    config: dict[str, Any]
    """Explicit tiny arguments of the config class; nested configs as dicts."""
    facts: dict[str, Any]
    """What the family's template states beyond that (vocabulary, image size, sampling rate), by attribute name."""
    heads: tuple[HeadSpec, ...]
    """All heads, the primary one first."""
    transformers: str
    """Release that the facts were read from."""
    sources: dict[str, str]
    """For each fact above, where it came from."""
    package: str | None = None
    """Package that registers the architecture with transformers' Auto classes; None for transformers' own."""
    processor: dict[str, Any] | None = None
    """What makes its inputs of text, images and sound: transformers' own classes with their arguments, by the names of
    the pipelines' arguments (see ``processing``); None where there is nothing of the kind."""
    of: str | None = None
    """``model_type`` of the config where it is a folder's, after which the skill is named; None where it is its own."""

    @property
    def template(self) -> str:
        """File of the family's template, relative to ``templates/skills``."""
        return self.family.replace("-", "_") + ".py.mako"


def to_json(spec: SkillSpec) -> str:
    """The spec as JSON text; equal specs give equal text."""
    return json.dumps(dataclasses.asdict(spec), sort_keys=True, ensure_ascii=True)


def from_json(text: str) -> SkillSpec:
    """The spec that ``to_json`` wrote.

    Raises:
        KeyError, TypeError, ValueError: the text is not such a spec.
    """
    raw = json.loads(text)
    heads = tuple(
        HeadSpec(
            **{
                **head,
                "mappings": tuple(head["mappings"]),
                "pipelines": tuple(head["pipelines"]),
                "notes": tuple(head["notes"]),
                "infinite": tuple(head["infinite"]),
                "fixed": tuple(head["fixed"]),
                "steps": tuple(head["steps"]),
                "inputs": tuple(InputSpec(**item) for item in head["inputs"]),
                "outputs": tuple(
                    OutputSpec(item["name"], tuple(item["shape"]), item["dtype"]) for item in head["outputs"]
                ),
            }
        )
        for head in raw["heads"]
    )
    return SkillSpec(
        **{**raw, "heads": heads, "modalities": tuple(raw["modalities"]), "requires": tuple(raw["requires"])}
    )
