"""Stage ``task``: each head belongs to its task and to the model type, by transformers' own mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.validation.errors import TaskError

if TYPE_CHECKING:
    from generator.catalog import Catalog
    from generator.validation.reading import Reading


def check(reading: Reading, catalog: Catalog) -> None:
    """Hold config class, heads and mappings to the catalogue of the installed transformers.

    Raises:
        TaskError: the model type is no architecture there, or a class is not where the skill says it is.
    """
    model_type = reading.model_type
    row = catalog.rows.get(model_type)
    if row is None or row.state != "architecture":
        why = f"it is {row.state}: {row.reason}" if row is not None else "there is no such type"
        raise TaskError(model_type, f"is not an architecture of transformers {catalog.transformers}; {why}")
    if reading.config_class != row.config_class:
        raise TaskError(model_type, f"its config class is {row.config_class}, not {reading.config_class}")
    for head in reading.heads:
        for mapping in head.mappings:
            if mapping not in catalog.mappings:
                raise TaskError(
                    model_type,
                    f"{head.class_name}: transformers {catalog.transformers} has no {mapping}",
                )
            held = catalog.mappings[mapping].get(row.config_type, ())
            if head.class_name not in held:
                raise TaskError(
                    model_type,
                    f"{head.class_name} is not in {mapping} of transformers {catalog.transformers}, "
                    f"which holds {', '.join(held) or 'nothing'} for it",
                )
    stated, known = {head.class_name for head in reading.heads}, {head.class_name for head in row.heads}
    if stated != known:
        raise TaskError(
            model_type,
            f"states other heads than transformers {catalog.transformers} has: "
            + "; ".join(
                f"{what} {', '.join(sorted(names))}"
                for what, names in (("missing", known - stated), ("unknown", stated - known))
                if names
            ),
        )
    if row.of is not None:
        return  # which head stands for a folder's model was the folder's to say
    primary = next(head.class_name for head in row.heads if head.primary)
    if reading.heads[0].class_name != primary:
        raise TaskError(model_type, f"its primary head is {primary}, not {reading.heads[0].class_name}")
