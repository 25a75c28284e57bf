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
from harness.failures import sentence
from harness.hardware import Generator, Hardware, Runner, UnknownHardwareError, UnsupportedError, generator, hardware
from harness.inputs import draw
from harness.reader import Reader, ReaderError, of_checkpoint, of_skill

if TYPE_CHECKING:
    import torch

    from harness.skill import Head, Skill

__all__ = ["Endpoint", "EndpointError", "load"]


class EndpointError(ValueError):
    """It cannot be loaded or called like this; the message says what is wrong and what to do."""


class Endpoint:
    """A head ready on a hardware."""

    def __init__(
        self, skill: type[Skill], head: Head, *, where: Hardware, dtype: str, model: Any, reader: Reader
    ) -> None:
        self.skill = skill
        self.head = head
        self._where, self._dtype, self._model = where, dtype, model
        self._compiled: dict[Any, Runner] = {}
        self.runner: Runner | None = self._prepare(draw(head.inputs, 0)) if where.module else None
        """The model where it runs; of one that is compiled, the latest, and None before the first call."""
        self.inputs = tuple(_accepted(model, head))
        """Names that the model takes."""
        self.processor = reader.main
        """What makes inputs of text, images and sound: the checkpoint's, or of a tiny model the skill's; None without one."""
        self._reader = reader
        self._generator: Generator | None = None
        self._latest: Runner | Generator | None = self.runner

    def __call__(self, *, seed: int = 0, **inputs: Any) -> dict[str, torch.Tensor]:
        """The named outputs, on the CPU.

        Args:
            seed: of the random state, for models that draw random numbers.
            inputs: by name, as nested lists, numpy arrays or tensors: whole numbers become int64, others float32.
                Also what its processor takes: ``text``, ``images``, ``videos``, ``audio`` and its ``sampling_rate``. A
                decoder that is told nothing beside them begins as it does when it generates.

        Raises:
            EndpointError: an input that neither the model nor the processor takes, or one that is no tensor; or the hardware
                cannot compile the model for inputs like these.
        """
        tensors = self._begun(self._tensors(inputs), inputs)
        try:
            self.runner = self._latest = self._ready(tensors)
            outputs = self.runner.run(tensors, seed)
        except EndpointError:
            raise
        except UnsupportedError as error:
            raise EndpointError(f"{self._name()}: {self._where.name} cannot run this ({error})") from error
        except (IndexError, ValueError, RuntimeError) as error:
            sizes = ", ".join(f"{name} {'x'.join(map(str, tensor.shape))}" for name, tensor in tensors.items())
            raise EndpointError(
                f"{self._name()}: it does not run with inputs of these sizes ({sizes}): {sentence(error)}. "
                "A tiny model has few places: give it less, or load(checkpoint=...)"
            ) from error
        return {name: tensor.detach().cpu() for name, tensor in outputs.items()}

    def sample(self, seed: int = 0) -> dict[str, torch.Tensor]:
        """Inputs as the skill declares them, for the tiny model."""
        return draw(self.head.inputs, seed)

    def generate(self, *, inputs: Mapping[str, Any], seed: int = 0, **arguments: Any) -> torch.Tensor:
        """What transformers' ``generate`` makes of the inputs with these arguments: token ids, on the CPU.

        Args:
            inputs: as of a call; texts of several lengths are padded before their beginning where they are continued.
            seed: of the random state, for ``do_sample``.
            arguments: transformers' own: ``max_new_tokens``, ``num_beams``, ``do_sample`` and so on.

        Raises:
            EndpointError: the head does not generate, an input is wrong, or the hardware cannot do this.
        """
        if not _generates(self._model):
            raise EndpointError(f"{self._name()}: it has no generate(). Load a head that generates")
        decoder = getattr(self._model.config, "is_encoder_decoder", False)
        tensors = self._tensors(inputs, left=not decoder)
        try:
            if self._generator is None:
                self._generator = generator(self._where, self._model, self._dtype, lambda: self._ready(tensors))
            result = self._generator.generate(tensors, arguments, seed=seed)
        except UnsupportedError as error:
            raise EndpointError(f"{self._name()}: {self._where.name} cannot generate this ({error})") from error
        self._latest = self._generator
        made: torch.Tensor = getattr(result, "sequences", result)
        return made.cpu()

    def executed_on(self) -> str:
        """Devices as read back from the last call.

        Raises:
            EndpointError: there was none.
        """
        if self._latest is None:
            raise EndpointError(f"{self._name()}: it is compiled when it is first called. Call it")
        return self._latest.executed_on()

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

    def _tensors(self, inputs: Mapping[str, Any], *, left: bool = False) -> dict[str, torch.Tensor]:
        raw = {name: value for name, value in inputs.items() if name not in self.inputs}
        tensors = {name: _tensor(name, value) for name, value in inputs.items() if name in self.inputs}
        if not raw:
            return tensors
        known = (*self.inputs, *self._reader.takes)
        for name in raw:
            if name not in known:
                near = get_close_matches(name, known, n=3) or known
                hint = f". Nothing makes inputs of {name} here: {self._reader.lacks}" if self._reader.lacks else ""
                raise EndpointError(f"{self._name()}: it takes no {name!r}. It takes {', '.join(near)}{hint}")
        try:
            made = self._reader.read(raw, left=left)
        except ReaderError as error:
            raise EndpointError(f"{self._name()}: {error}") from error
        taken = {name: _tensor(name, value) for name, value in made.items() if name in self.inputs}
        return {**taken, **tensors}

    def _begun(self, tensors: dict[str, torch.Tensor], inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """The tensors with what a decoder begins with, where its model's inputs were made of what a user has."""
        import torch

        made = not inputs.keys() <= set(self.inputs)
        if not made or "decoder_input_ids" not in self.head.inputs or "decoder_input_ids" in tensors:
            return tensors
        configs = (getattr(self._model, "generation_config", None), self._model.config)
        starts = (
            getattr(config, name, None) for name in ("decoder_start_token_id", "bos_token_id") for config in configs
        )
        start = next((token for token in starts if isinstance(token, int)), None)
        if start is None:
            return tensors
        rows = next(iter(tensors.values())).shape[0]
        return {**tensors, "decoder_input_ids": torch.full((rows, 1), start)}

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
    if dtype not in (known := (*weights.DTYPES, weights.DEFAULT)):
        raise EndpointError(f"{skill.model_type}: no dtype is called {dtype!r}. Known: {', '.join(known)}")
    if (reason := device.probe(dtype)) is not None:
        raise EndpointError(f"{skill.model_type}: {where} is unavailable: {reason}. Load it on another hardware")
    try:
        if checkpoint is None:
            model, reader = weights.build(skill, chosen), of_skill(skill)
        else:
            model, reader = _pretrained(skill, chosen, checkpoint, trust_remote_code=trust_remote_code)
    except (weights.MissingLibraryError, weights.UnknownClassError) as error:
        raise EndpointError(f"{skill.model_type}: {error}") from error
    return Endpoint(skill, chosen, where=device, dtype=dtype, model=model, reader=reader)


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


def _pretrained(skill: type[Skill], head: Head, checkpoint: str, *, trust_remote_code: bool) -> tuple[Any, Reader]:
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
    return model.eval(), of_checkpoint(checkpoint, trust_remote_code=trust_remote_code)


def _generates(model: Any) -> bool:
    asked = getattr(model, "can_generate", None)
    return bool(asked is not None and asked())


def _tensor(name: str, value: Any) -> torch.Tensor:
    import torch

    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise EndpointError(f"{name}: it is no tensor, array or nested list of equal rows ({error})") from error
    if tensor.dtype is torch.float64:
        return tensor.float()
    return tensor.long() if tensor.dtype in (torch.int32, torch.int16, torch.uint8, torch.int8) else tensor
