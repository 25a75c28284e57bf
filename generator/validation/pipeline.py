"""Stage ``pipeline``: every pipeline task of a head exists in transformers and would load that head."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from generator.validation.errors import PipelineError

if TYPE_CHECKING:
    from generator.catalog import Catalog
    from generator.validation.reading import Reading


def check(reading: Reading, catalog: Catalog) -> None:
    """Hold the heads' pipelines to transformers' registry.

    Raises:
        PipelineError: a task that the registry lacks, or one whose mappings do not hold the head.
    """
    for head in reading.heads:
        for task in head.pipelines:
            serving = catalog.pipeline_tasks.get(task)
            if serving is None:
                near = get_close_matches(task, catalog.pipeline_tasks, 1)
                hint = f" The nearest that it has is {near[0]}." if near else ""
                raise PipelineError(
                    reading.model_type,
                    f"{head.class_name}: transformers {catalog.transformers} has no pipeline task {task!r}.{hint}",
                )
            if not set(serving) & set(head.mappings):
                raise PipelineError(
                    reading.model_type,
                    f"{head.class_name}: pipeline {task} loads from {', '.join(serving)}, "
                    f"the head is stated in {', '.join(head.mappings) or 'none'}",
                )
