"""optimum-intel: a head saved as a checkpoint, and loaded from there by the class of it that OpenVINO's users would take."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import failures
from harness.call import FORWARD, Call
from harness.hardware import openvino
from harness.hardware.optimum_classes import choose
from harness.hardware.optimum_recipes import published, sized
from harness.hardware.protocol import UnsupportedError, without
from harness.hardware.routes import Asked, InapplicableError, quiet, words
from harness.hardware.torch_device import pinned
from harness.outputs import named

if TYPE_CHECKING:
    import torch

__all__ = ["Optimum", "OptimumRunner"]


class OptimumRunner:
    """An ``OVModelFor…`` that is compiled."""

    model = None

    def __init__(self, loaded: Any, asked: Asked) -> None:
        """Args:
        loaded: the object of optimum's class.
        asked: the head that it was made of.

        Raises:
            InapplicableError: it gives nothing that the head gives.
        """
        self.loaded = loaded
        self.inputs = frozenset(asked.inputs)
        exported = (port for graph in loaded.ov_models.values() for port in graph.outputs)
        graphs = {name for port in exported for name in port.get_names()}
        self.gives = frozenset(name for name in asked.outputs if name in graphs)
        """Names of the head's outputs that were exported: what is not in a graph its users cannot have."""
        if not self.gives:
            raise InapplicableError(f"{type(loaded).__name__} has no output of the head's {', '.join(asked.outputs)}")
        lost = [name for name in asked.outputs if name not in self.gives]
        deaf = _ignored(loaded, asked.inputs)
        told = {"not_exported": ", ".join(lost), "ignored": ", ".join(deaf)}
        self.facts = {"route": type(loaded).__name__, **{name: which for name, which in told.items() if which}}

    def run(self, inputs: Mapping[str, torch.Tensor], seed: int = 0) -> dict[str, torch.Tensor]:
        """See the protocol; a graph holds no random state that a seed could set.

        Raises:
            UnsupportedError: the names are not those that it was made with. A graph takes what is missing as empty, and
                the classes ignore what they do not know.
        """
        del seed
        if self.inputs != set(inputs):
            raise UnsupportedError(f"it was made for {', '.join(sorted(self.inputs))}, not {', '.join(sorted(inputs))}")
        with pinned():
            return named(self.loaded(**self.place(inputs)))

    def generate(
        self, inputs: Mapping[str, torch.Tensor], arguments: Mapping[str, Any], method: str = "generate", seed: int = 0
    ) -> Any:
        """See the protocol."""
        import torch

        if method != "generate" or not self.loaded.can_generate():
            raise UnsupportedError(f"{type(self.loaded).__name__} has no {method}()")
        with pinned():
            torch.manual_seed(seed)
            return self.loaded.generate(**self.place(inputs), **arguments)

    def place(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """See the protocol."""
        return {name: tensor.detach().cpu().clone() for name, tensor in inputs.items()}

    def executed_on(self) -> str:
        """See the protocol: the devices that all its compiled models say they execute on."""
        devices = {device for model in _compiled(self.loaded) for device in model.get_property("EXECUTION_DEVICES")}
        return "+".join(sorted(f"openvino:{device}" for device in devices))

    def synchronize(self) -> None:
        """See the protocol; an inference is over when it returns."""

    def peak_memory(self) -> int | None:
        """See the protocol; nobody counts it."""
        return None


class Optimum:
    """optimum-intel on OpenVINO's CPU, or by name on another of its devices (``optimum:GPU``)."""

    module = False
    generates = saves = True
    dtypes = ("fp32", "fp16", "bf16")

    def __init__(self, device: str = "CPU") -> None:
        """Args:
        device: OpenVINO's name of the device.
        """
        self.below = openvino.OpenVino(device)
        self.device = self.below.device
        self.name = "optimum" if device == "CPU" else f"optimum:{device}"

    def probe(self, dtype: str | None = None) -> str | None:
        """See the protocol."""
        if (reason := without(self.name, self.dtypes, dtype) or self.below.probe(dtype)) is not None:
            return reason
        try:
            import optimum.intel.openvino.modeling_base  # noqa: F401, the package imports what it has when it is asked
        except ImportError as error:
            return f"optimum-intel cannot be imported ({error})"
        return None

    def prepare(
        self,
        model: Any,
        inputs: Mapping[str, torch.Tensor],
        dtype: str = "fp32",
        call: Call = FORWARD,
        beside: Mapping[str, Any] | None = None,
    ) -> OptimumRunner:
        """See the protocol; ``beside`` are the tokenizer, processors and the like that lie in a checkpoint beside its model."""
        asked = Asked.of(model, call, inputs)
        try:
            found = choose(model)
            asked.plain()
            with quiet(), sized(inputs), tempfile.TemporaryDirectory() as folder:
                for saved in (*(beside or {}).values(), model):
                    saved.save_pretrained(folder)
                published(Path(folder), model.config, inputs)
                loaded = found.from_pretrained(
                    folder,
                    export=True,
                    local_files_only=True,
                    load_in_8bit=False,  # neither quantised nor compressed to 16 bits, whatever its size
                    device=self.below.target,
                    ov_config=self.below.options(dtype),
                )
            return OptimumRunner(loaded, asked)
        except InapplicableError as answer:
            raise UnsupportedError(str(answer)) from answer
        except Exception as error:
            if failures.status(error) != "failed":  # too little memory, or a library that is not here
                raise
            # Whatever else the export raises is its refusal, and is told in its words.
            raise UnsupportedError(words(error)) from error

    def describe(self) -> dict[str, str]:
        """See the protocol."""
        if self.probe() is not None:
            return {}
        from importlib.metadata import version

        return {**self.below.describe(), "optimum_intel": version("optimum-intel")}


def _ignored(loaded: Any, inputs: Iterable[str]) -> list[str]:
    """Inputs that it takes, and makes nothing of, since its graph has none of the name; of several graphs nothing can be
    told, for what is handed from one to the next has other names."""
    graphs = list(loaded.ov_models.values())
    ports = {name for graph in graphs for port in graph.inputs for name in port.get_names()}
    return [name for name in inputs if name not in ports] if len(graphs) == 1 else []


def _compiled(loaded: Any) -> Iterator[Any]:
    """The compiled models of an object of optimum's, and of its parts."""
    from openvino import CompiledModel

    seen = [loaded, *vars(loaded).values()]
    for part in seen:
        request = getattr(part, "request", None)
        if request is not None:
            yield request if isinstance(request, CompiledModel) else request.get_compiled_model()
