"""An architecture to call: real inputs in, named outputs out, on any hardware; it judges nothing.

Without a checkpoint it is the skill's tiny model with random weights, whose numbers mean nothing but have the
right names, shapes and dtypes.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import weights
from harness.call import Call
from harness.cells import SelectionError, heads
from harness.hardware import Hardware, Runner, UnknownHardwareError, UnsupportedError, hardware
from harness.inputs import draw

if TYPE_CHECKING:
    import torch

    from harness.skill import Head, Skill

__all__ = ["Endpoint", "EndpointError", "load"]


class EndpointError(ValueError):
    """It cannot be loaded or called like this; the message says what is wrong and what to do."""


class Endpoint:
    """A head ready on a hardware."""

    def __init__(
        self, skill: type[Skill], head: Head, *, where: Hardware, dtype: str, model: Any, processor: Any
    ) -> None:
        self.skill = skill
        self.head = head
        self._where, self._dtype, self._model = where, dtype, model
        self._compiled: dict[Any, Runner] = {}
        self.runner: Runner | None = self._prepare(draw(head.inputs, 0)) if where.module else None
        """The model where it runs; of one that is compiled, the latest, and None before the first call."""
        self.inputs = tuple(_accepted(model, head))
        """Names that the model takes."""
        self.processor = processor
        """Tokenizer or processor of the checkpoint, which makes inputs of text, images and sound; None without one."""

    def __call__(self, *, seed: int = 0, **inputs: Any) -> dict[str, torch.Tensor]:
        """The named outputs, on the CPU.

        Args:
            seed: of the random state, for models that draw random numbers.
            inputs: by name, as nested lists, numpy arrays or tensors: whole numbers become int64, others float32.
                With a checkpoint also what its processor takes: ``text``, ``images``, ``audio``.

        Raises:
            EndpointError: an input that neither the model nor the processor takes, or one that is no tensor; or the hardware
                cannot compile the model for inputs like these.
        """
        tensors = self._tensors(inputs)
        self.runner = self._ready(tensors)
        outputs = self.runner.run(tensors, seed)
        return {name: tensor.detach().cpu() for name, tensor in outputs.items()}

    def sample(self, seed: int = 0) -> dict[str, torch.Tensor]:
        """Inputs as the skill declares them, for the tiny model."""
        return draw(self.head.inputs, seed)

    def generate(self, *, inputs: Mapping[str, Any], **arguments: Any) -> torch.Tensor:
        """What the model's own ``generate`` makes of the inputs with these arguments: token ids, on the CPU.

        Raises:
            EndpointError: the head does not generate, or the hardware runs no torch module.
        """
        import torch

        runner = self.runner
        if runner is None or runner.model is None or not runner.model.can_generate():
            raise EndpointError(
                f"{self._name()}: it has no generate() here. Load a head that generates, on a torch device"
            )
        with torch.no_grad():
            result = runner.model.generate(**runner.place(self._tensors(inputs)), **arguments)
        made: torch.Tensor = getattr(result, "sequences", result)
        return made.cpu()

    def executed_on(self) -> str:
        """Devices as read back from the last call.

        Raises:
            EndpointError: there was none.
        """
        if self.runner is None:
            raise EndpointError(f"{self._name()}: it is compiled when it is first called. Call it")
        return self.runner.executed_on()

    def _ready(self, tensors: Mapping[str, torch.Tensor]) -> Runner:
        """The runner for inputs of these names and shapes: what is compiled is so for each anew, and kept."""
        if self.runner is not None and self.runner.model is not None:
            return self.runner
        shapes = tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in sorted(tensors.items()))
        if shapes not in self._compiled:
            try:
                self._compiled[shapes] = self._prepare(tensors)
            except UnsupportedError as error:
                raise EndpointError(f"{self._name()}: it cannot be compiled for these inputs ({error})") from error
        return self._compiled[shapes]

    def _prepare(self, inputs: Mapping[str, torch.Tensor]) -> Runner:
        return self._where.prepare(self._model, inputs, self._dtype, Call.of(self.head))

    def _tensors(self, inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        raw = {name: value for name, value in inputs.items() if name not in self.inputs}
        tensors = {name: _tensor(name, value) for name, value in inputs.items() if name in self.inputs}
        if not raw:
            return tensors
        known = self.inputs if self.processor is None else (*self.inputs, *_takes(self.processor))
        for name in raw:
            if name not in known:
                near = get_close_matches(name, known, n=3) or known
                hint = "" if self.processor else ". Text, images and sound need load(checkpoint=...)"
                raise EndpointError(f"{self._name()}: it takes no {name!r}. It takes {', '.join(near)}{hint}")
        made = self.processor(**raw, return_tensors="pt", **_padding(self.processor, raw))
        return {**{name: value for name, value in made.items() if name in self.inputs}, **tensors}

    def _name(self) -> str:
        return f"{self.skill.model_type}/{self.head.class_name}"


def load(
    skill: type[Skill],
    where: str,
    head: str | None,
    checkpoint: str | None,
    dtype: str,
    *,
    trust_remote_code: bool = False,
) -> Endpoint:
    """See ``Skill.load``."""
    try:
        chosen = heads(skill, head or "primary")[0]
        device = hardware(where)
    except (SelectionError, UnknownHardwareError) as error:
        raise EndpointError(f"{skill.model_type}: {error}") from error
    if dtype not in weights.DTYPES:
        raise EndpointError(f"{skill.model_type}: no dtype is called {dtype!r}. Known: {', '.join(weights.DTYPES)}")
    if (reason := device.probe(dtype)) is not None:
        raise EndpointError(f"{skill.model_type}: {where} is unavailable: {reason}. Load it on another hardware")
    try:
        if checkpoint is None:
            model, processor = weights.build(skill, chosen), None
        else:
            model, processor = _pretrained(skill, chosen, checkpoint, trust_remote_code=trust_remote_code)
    except (weights.MissingLibraryError, weights.UnknownClassError) as error:
        raise EndpointError(f"{skill.model_type}: {error}") from error
    return Endpoint(skill, chosen, where=device, dtype=dtype, model=model, processor=processor)


def _accepted(model: Any, head: Head) -> list[str]:
    """Names that a call may give: those that the steps are made of, or all that the method has arguments for."""
    if head.steps:
        return list(head.inputs)
    accepted = [
        name
        for name, parameter in inspect.signature(getattr(model, head.method)).parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    # A method that takes any keywords (generate) passes on what the head declares.
    return accepted + [name for name in head.inputs if name not in accepted]


def _pretrained(skill: type[Skill], head: Head, checkpoint: str, *, trust_remote_code: bool) -> tuple[Any, Any]:
    """The checkpoint's model in float32 and its processor; weights only from safetensors."""
    from transformers import AutoConfig

    weights.require(skill)
    weights.public_class(
        head.class_name, skill.package
    )  # a package has to be imported before AutoConfig knows its type
    folder = Path(checkpoint)
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise EndpointError(f"{skill.model_type}: the folder {checkpoint} holds no config.json, so it is no checkpoint")
    try:
        config = AutoConfig.from_pretrained(checkpoint, trust_remote_code=trust_remote_code)
        if head.config_class is None and config.model_type != (skill.of or skill.model_type):
            raise EndpointError(
                f"{skill.model_type}: {checkpoint} is a checkpoint of {config.model_type}. "
                f"Load it by the skill of {config.model_type}"
            )
        model, report = weights.load(
            weights.public_class(head.class_name, skill.package), checkpoint, trust_remote_code=trust_remote_code
        )
    except OSError as error:
        line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise EndpointError(
            f"{skill.model_type}: {checkpoint} cannot be loaded: {line} "
            "Give the id of a repository with safetensors weights that can be reached, or a local folder"
        ) from error
    if missing := sorted(report.get("missing_keys", ())):
        warnings.warn(
            f"{checkpoint} has no {', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}: "
            f"these weights of {head.class_name} are random",
            stacklevel=4,
        )
    return model.eval(), _processor(checkpoint, trust_remote_code=trust_remote_code)


def _processor(checkpoint: str, *, trust_remote_code: bool) -> Any:
    """The most that the checkpoint has: a processor, else a tokenizer, image processor or feature extractor, or None."""
    import transformers

    for name in ("AutoProcessor", "AutoTokenizer", "AutoImageProcessor", "AutoFeatureExtractor"):
        try:
            return getattr(transformers, name).from_pretrained(checkpoint, trust_remote_code=trust_remote_code)
        # Each class has its own errors for a checkpoint that has none of its kind.
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return None


def _takes(processor: Any) -> tuple[str, ...]:
    """Names of what a processor makes inputs of."""
    plain = ("text", "images", "videos", "audio", "raw_speech", "sampling_rate")
    accepted = inspect.signature(type(processor).__call__).parameters
    return tuple(name for name in plain if name in accepted or (name == "sampling_rate" and "audio" in accepted))


def _padding(processor: Any, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of different length are padded, if the tokenizer can."""
    tokenizer = getattr(processor, "tokenizer", processor)
    several = isinstance(raw.get("text"), (list, tuple))
    return {"padding": True} if several and getattr(tokenizer, "pad_token", None) is not None else {}


def _tensor(name: str, value: Any) -> torch.Tensor:
    import torch

    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise EndpointError(f"{name}: it is no tensor, array or nested list of equal rows ({error})") from error
    if tensor.dtype is torch.float64:
        return tensor.float()
    return tensor.long() if tensor.dtype in (torch.int32, torch.int16, torch.uint8, torch.int8) else tensor
