"""The records of the catalogue: one row for every entry of transformers' ``CONFIG_MAPPING``. Data and its JSON form only;
how a row is found out is the other modules' business."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from generator.spec import TIERS

__all__ = ["STATES", "Catalog", "HeadRow", "Row", "from_json", "to_json"]

STATES = ("architecture", "component", "alias", "impossible")
"""What an entry of ``CONFIG_MAPPING`` can be; each entry is exactly one of them."""


@dataclass(frozen=True)
class HeadRow:
    """A model class of a type."""

    class_name: str
    """Public class of transformers."""
    mappings: tuple[str, ...]
    """Mappings that list it for the type, sorted: MODEL_FOR_CAUSAL_LM_MAPPING; empty for a class that none lists."""
    pipelines: tuple[str, ...]
    """Tasks of the pipeline registry that would load it, sorted."""
    primary: bool
    """The one head that stands for the architecture."""


@dataclass(frozen=True)
class Row:
    """One entry of ``CONFIG_MAPPING``."""

    model_type: str
    """Its key."""
    state: str
    """One of STATES."""
    of: str | None
    """The architecture whose component or alias it is."""
    reason: str
    """Why it has that state, and what is wrong with its heads if something is; never empty."""
    config_class: str
    """Public config class."""
    title: str
    """Name for people."""
    family: str
    """One of generator.spec.FAMILIES."""
    tier: str
    """One of generator.spec.TIERS."""
    modalities: tuple[str, ...]
    """What the primary head takes in, sorted: audio, image, text, time-series, video; ``other`` alone where none is known."""
    checkpoint: str | None
    """Reference checkpoint that the config's documentation names."""
    requires: tuple[str, ...]
    """Distributions, beyond transformers' and torch's own, without which the primary head cannot be built, sorted."""
    heads: tuple[HeadRow, ...]
    """Its model classes that exist, the primary one first, then by name."""
    sources: dict[str, str]
    """Fact -> where it was read."""
    module: str
    """Module of the skill, without the package: hf_gptj."""
    class_name: str
    """Class of the skill: the config class without ``Config``."""
    folder: str
    """Package below ``transformers.models`` that holds the config class: gpt_neox."""
    missing: tuple[str, ...] = ()
    """Classes that a mapping lists and the installed transformers does not have."""
    package: str | None = None
    """Package that registers the type with transformers' Auto classes; None for transformers' own."""
    values: dict[str, object] | None = None
    """Config values of a folder that the row is of; None for the rows of the catalogue itself, which keep the defaults."""

    @property
    def config_type(self) -> str:
        """``model_type`` of its config: that of the architecture which a folder's values configure, else its own."""
        return self.model_type if self.state != "architecture" or self.of is None else self.of

    @property
    def primary(self) -> HeadRow | None:
        """The head that stands for the type; None where it has no heads."""
        return self.heads[0] if self.heads else None


@dataclass(frozen=True)
class Catalog:
    """All that one installed transformers contains."""

    transformers: str
    """Its release."""
    digest: str
    """Key of what the catalogue was made from: release, the library's own mappings, the code of this package."""
    rows: dict[str, Row] = field(repr=False)
    """model_type -> row, for every entry of ``CONFIG_MAPPING``, sorted."""
    pipeline_tasks: dict[str, tuple[str, ...]] = field(repr=False)
    """Task of the pipeline registry -> mappings that can serve it."""
    mappings: dict[str, dict[str, tuple[str, ...]]] = field(repr=False)
    """MODEL_FOR_CAUSAL_LM_MAPPING -> model_type -> class names, as the library lists them."""
    owners: dict[str, str] = field(default_factory=dict, repr=False)
    """Model class that several types list -> the type that it is named for and defined by."""

    def architectures(self, tier: str | None = None) -> list[Row]:
        """Rows that stand by themselves, the most urgent tier first, then by name; of one tier only if one is given.

        Raises:
            ValueError: there is no such tier.
        """
        if tier is not None and tier not in TIERS:
            raise ValueError(f"catalog: there is no tier {tier!r}. The tiers are {', '.join(TIERS)}.")
        found = [row for row in self.rows.values() if row.state == "architecture" and tier in (None, row.tier)]
        return sorted(found, key=lambda row: (TIERS.index(row.tier), row.model_type))


def to_json(catalog: Catalog) -> str:
    """The catalogue as JSON text; equal catalogues give equal text."""
    return json.dumps(asdict(catalog), sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def from_json(text: str) -> Catalog:
    """The catalogue that ``to_json`` wrote.

    Raises:
        KeyError, TypeError, ValueError: the text is not such a catalogue.
    """
    raw = json.loads(text)
    return Catalog(
        transformers=raw["transformers"],
        digest=raw["digest"],
        rows={name: _row(row) for name, row in raw["rows"].items()},
        pipeline_tasks={task: tuple(names) for task, names in raw["pipeline_tasks"].items()},
        mappings={
            name: {model_type: tuple(classes) for model_type, classes in entries.items()}
            for name, entries in raw["mappings"].items()
        },
        owners=raw["owners"],
    )


def _row(raw: dict[str, object]) -> Row:
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
    heads = tuple(
        HeadRow(head["class_name"], tuple(head["mappings"]), tuple(head["pipelines"]), head["primary"])
        for head in plain.pop("heads")  # type: ignore[attr-defined]
    )
    return Row(heads=heads, **plain)  # type: ignore[arg-type]
