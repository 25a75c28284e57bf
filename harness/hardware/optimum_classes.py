"""Which of optimum-intel's classes loads a head: read from its own tables, and from transformers' mappings that they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.hardware.routes import InapplicableError

__all__ = ["Door", "choose", "doors", "entered"]


@dataclass(frozen=True)
class Door:
    """One of optimum's public classes, by what it says of itself."""

    name: str
    opens: Any
    """The class itself."""
    loads: Any
    """``auto_model_class``: transformers' Auto class whose models it loads, or the one class that it loads."""
    task: str
    """``export_feature``: the task that it exports for."""

    def admits(self, model: Any) -> bool:
        """Whether it loads models of this class and config."""
        if self.loads is type(model):
            return True
        known = getattr(self.loads, "_model_mapping", {}).get(type(model.config), ())
        return type(model) in (known if isinstance(known, (tuple, list)) else (known,))


def choose(model: Any) -> Any:
    """The class of optimum-intel that a user of this head would take.

    Raises:
        InapplicableError: there is none; optimum's own words where it does not know the model type at all.
    """
    from optimum.exporters.tasks import TasksManager
    from optimum.intel.openvino.utils import _HEAD_TO_AUTOMODELS

    kind = model.config.model_type
    try:
        tasks = TasksManager.get_supported_tasks_for_model_type(kind, "openvino", library_name="transformers")
    except KeyError as error:
        # What it does have, with a hundred names, it says after that.
        raise InapplicableError(str(error.args[0]).partition(". ")[0]) from error
    return entered(model, doors(), tasks, _HEAD_TO_AUTOMODELS).opens


def entered(model: Any, known: Iterable[Door], tasks: Iterable[str], usual: Mapping[str, str]) -> Door:
    """The door to take.

    Args:
        model: the head, with its config.
        known: all doors.
        tasks: for which the model type can be exported.
        usual: name of the usual class by task.

    Of several that admit the head, the one for it alone goes before those for an Auto class, one for a task that its type
    can be exported for before others, any before the one for all bare models (CLIP's head is both that and a classifier),
    the usual one of a task before its peers, and a class before those derived from it.

    Raises:
        InapplicableError: none admits it.
    """
    tasks = {task.removesuffix("-with-past") for task in tasks}
    admitting = [door for door in known if door.admits(model)]
    if not admitting:
        raise InapplicableError(
            f"no class of optimum-intel loads {type(model).__name__}; "
            f"{model.config.model_type} is exported for {', '.join(sorted(tasks))}"
        )
    return min(
        admitting,
        key=lambda door: (
            door.loads is not type(model),
            door.task not in tasks,
            door.loads.__name__ == "AutoModel",
            usual.get(door.task) != door.name,
            len(door.opens.__mro__),
            door.name,
        ),
    )


def doors() -> Iterator[Door]:
    """All public classes of the installed optimum-intel that load transformers' models."""
    import optimum.intel
    from optimum.intel.openvino.modeling_base import OVBaseModel

    for name in dir(optimum.intel):
        found: Any = getattr(optimum.intel, name) if name.startswith("OV") else None
        if OVBaseModel not in getattr(found, "__mro__", ()):
            continue
        library = found._library_name  # noqa: SLF001, it has no other name
        loads, task = found.auto_model_class, found.export_feature
        if library == "transformers" and loads is not None and task is not None:
            yield Door(name, found, loads, task)
