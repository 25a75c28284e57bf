"""The stages that a skill's text must pass before it is written: syntax, structure, pipeline, task, modality, build.

Each stage looks at the text alone, never at the spec's word for it, and the first failure stops. Nothing here
writes or mends a skill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.validation.errors import (
    STAGES,
    BuildError,
    ModalityError,
    PipelineError,
    StructureError,
    SyntaxStageError,
    TaskError,
    ValidationError,
)

if TYPE_CHECKING:
    import ast

    from generator.catalog import Catalog
    from generator.spec import SkillSpec
    from generator.validation.reading import Reading

__all__ = [
    "STAGES",
    "BuildError",
    "ModalityError",
    "PipelineError",
    "StructureError",
    "SyntaxStageError",
    "TaskError",
    "ValidationError",
    "parsed",
    "static",
]


def parsed(text: str, model_type: str) -> ast.Module:
    """The syntax tree of a text, which has passed the stage ``syntax``.

    Raises:
        SyntaxStageError: it does not pass.
    """
    from generator.validation import syntax

    return syntax.check(text, model_type)


def static(text: str, model_type: str, catalog: Catalog, spec: SkillSpec | None = None) -> Reading:
    """What the text states, once it has passed the five stages that need no framework.

    The text is parsed once. With ``spec``, the text must also state exactly what the spec does.

    Raises:
        ValidationError: of the stage that failed first.
    """
    from generator.validation import modality, pipeline, structure, task

    tree = parsed(text, model_type)
    reading = structure.check(text, tree, model_type)
    if spec is not None:
        structure.check_against(reading, spec)
    pipeline.check(reading, catalog)
    task.check(reading, catalog)
    modality.check(reading, catalog)
    return reading
