"""Is the model the declared one: class, model type, config values, number of parameters?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness import weights
from harness.checks.protocol import Check, Outcome, always, passed

if TYPE_CHECKING:
    from harness.session import Session


def run(session: Session) -> Outcome:
    """Fails on the first thing that is not as declared."""
    skill, head, model = session.subject.skill, session.head, session.subject.model
    count = sum(parameter.numel() for parameter in model.parameters())
    metrics = {"parameters": count}
    session.at("build")
    found = type(model).__name__
    if found != head.class_name:
        return Outcome("failed", f"built a {found} where the skill declares a {head.class_name}", metrics)
    # A head of a part, or around the whole, has a type of its own: its config class is then what must be right.
    wanted = skill.of or skill.model_type
    if head.config_class is None and not _of_type(model.config, wanted):
        reason = f"built a model of type {model.config.model_type} where the skill declares {wanted}"
        return Outcome("failed", reason, metrics)
    declared, found = head.config_class or skill.config_class, type(model.config).__name__
    if found != declared:
        return Outcome("failed", f"has a {found} where the skill declares a {declared}", metrics)
    if count != head.parameters:
        return Outcome("failed", f"has {count} parameters where the skill declares {head.parameters}", metrics)
    for name, declared, value in _departures(weights.config_arguments(skill, head), model.config):
        reason = f"config has {name}={value!r} where the skill declares {declared!r}"
        return Outcome("failed", reason, metrics)
    return passed(metrics)


def _of_type(config: Any, wanted: str) -> bool:
    """Whether a config is of a type: by its own word, or as the class that transformers' mapping has for the type, whose
    word may be another (``mlcd_vision_model`` for mlcd)."""
    from transformers import CONFIG_MAPPING

    return config.model_type == wanted or (wanted in CONFIG_MAPPING and type(config) is CONFIG_MAPPING[wanted])


def _departures(declared: Mapping[str, Any], config: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    for name, wanted in declared.items():
        value = _read(config, name)
        if isinstance(wanted, Mapping) and not isinstance(value, Mapping) and hasattr(value, "to_dict"):
            yield from _departures(wanted, value, f"{prefix}{name}.")
        elif value is not _UNREADABLE and _plain(value) != _plain(wanted):
            yield f"{prefix}{name}", wanted, value


_UNREADABLE = object()


def _read(config: Any, name: str) -> Any:
    # Some configs take arguments that they only compute with, and some raise errors of their own for values that
    # differ between layers; both are shown by the outputs' shapes and the parameters' count.
    try:
        value = getattr(config, name)
    except (AttributeError, ValueError, RuntimeError):
        return _UNREADABLE
    # What differs between layers may be held as an object of its own, and is plain data in a config.json only.
    held = type(value).__module__.startswith("transformers.integrations")
    return config.to_dict().get(name, value) if held else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


CHECK = Check("build", "Is the model the declared one?", "runs", always, run)
