"""What a stage says of a skill that it refuses."""

from __future__ import annotations

from typing import ClassVar

STAGES = ("syntax", "structure", "pipeline", "task", "modality", "build")
"""Every stage, in the order in which they are passed."""


class ValidationError(Exception):
    """A skill that must not be written; the message is one sentence for people."""

    stage: ClassVar[str] = ""
    """One of STAGES."""

    def __init__(self, model_type: str, message: str) -> None:
        super().__init__(message)
        self.model_type = model_type
        self.message = message

    def __str__(self) -> str:
        return f"{self.model_type}: {self.stage}: {self.message}"

    def __reduce__(self) -> tuple[type[ValidationError], tuple[str, str]]:
        # The default would call the class with the message alone, so that none could come back from a worker.
        return type(self), (self.model_type, self.message)


class SyntaxStageError(ValidationError):
    """The text is not Python on every version that the project supports."""

    stage = "syntax"


class StructureError(ValidationError):
    """The module is not a skill: a part is missing, misnamed, or one too many."""

    stage = "structure"


class PipelineError(ValidationError):
    """A pipeline task that transformers does not have, or that does not load the head."""

    stage = "pipeline"


class TaskError(ValidationError):
    """A head, config or mapping that transformers does not give to this model type."""

    stage = "task"


class ModalityError(ValidationError):
    """A modality of the architecture that its primary head is not fed, without a note."""

    stage = "modality"


class BuildError(ValidationError):
    """The config as stated does not build the head as stated."""

    stage = "build"
