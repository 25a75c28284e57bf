"""What a head is trained by, and its gradients: the loss that it makes of labels, or a projection of what it gives.

Heads of the tasks in ``TARGETS`` that take labels are given ones of their task's form, drawn by the seed, and their own loss is
what is minimised. Any other is trained by a fixed random projection: each element of each floating output times a normal number
of its own, over the scale of the output and the root of its count, so that outputs weigh alike.
"""

from __future__ import annotations

import contextlib
import inspect
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from harness.call import Call, invoke

if TYPE_CHECKING:
    import torch

    from harness.skill import Head

__all__ = ["TARGETS", "NoGradientError", "Objective", "gradients", "trainable", "unrecorded"]

Tensors = Mapping[str, "torch.Tensor"]


class NoGradientError(RuntimeError):
    """What is minimised does not follow from any parameter, as autograd sees it."""


def unrecorded(model: Any, call: Call) -> str | None:
    """The method of the model's own that is called, and that its author keeps from being recorded by a decorator of torch's
    (``no_grad``, ``inference_mode``); None if there is none."""
    names = [call.method] if not call.steps else [str(step["call"]) for step in call.steps]
    for name in names:
        method = inspect.getattr_static(type(model), name, None)
        code = getattr(method, "__code__", None)
        if hasattr(method, "__wrapped__") and code is not None and code.co_filename.endswith("_contextlib.py"):
            return name
    return None


@dataclass(frozen=True)
class Objective:
    """What is minimised."""

    labels: Tensors
    """Arguments of the call on top of the inputs; empty where there is no loss of the head's own to be had."""
    weights: Tensors
    """float32 by output, of its shape: the projection; empty where the loss is the head's own."""

    @classmethod
    def of(cls, model: Any, head: Head, inputs: Tensors, outputs: Tensors, seed: int = 0) -> Self:
        """The objective of a head, by what it takes and what it gave on the reference hardware."""
        import torch

        generator = torch.Generator().manual_seed(seed)
        accepted = inspect.signature(model.forward).parameters if head.method == "forward" and not head.steps else {}
        form = next((TARGETS[name] for name in head.mappings if name in TARGETS), None)
        if form is not None and form.names <= accepted.keys() and form.output in outputs:
            return cls(form.draw(outputs[form.output], inputs, generator), {})
        floating = {name: tensor for name, tensor in outputs.items() if tensor.is_floating_point()}
        return cls({}, {name: _projection(name, tensor, seed) for name, tensor in floating.items()})

    @property
    def kind(self) -> str:
        """For the record: ``labels`` or ``projection``."""
        return "labels" if self.labels else "projection"

    def value(self, model: Any, call: Call, given: Tensors) -> torch.Tensor:
        """What is minimised, as a scalar; ``given`` are inputs and labels where the model is, in its dtype."""
        import torch

        outputs = invoke(model, call, given)
        if self.labels:
            if "loss" not in outputs:
                raise NoGradientError("it takes labels, and gives no loss for them")
            return outputs["loss"].sum()  # a scalar, or on some heads one for each row
        total = torch.zeros((), device=next(iter(outputs.values())).device)
        for name, weights in self.weights.items():
            tensor = outputs[name]
            wide = torch.promote_types(tensor.dtype, torch.float32)
            factors = weights.to(tensor.device, wide)
            # An infinity that is declared to be there would make NaN of a factor of zero.
            total = total + (torch.where(factors != 0, tensor.to(wide), torch.zeros_like(factors)) * factors).sum()
        return total


def trainable(model: Any) -> dict[str, torch.Tensor]:
    """The parameters that training would change, by name, shared ones once."""
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.is_floating_point()
    }


def gradients(
    model: Any, objective: Objective, call: Call, given: Tensors, seed: int = 0
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The objective with its graph, and its gradient by parameter where that was made, without those that autograd does not reach.

    Raises:
        NoGradientError: it reaches none.
    """
    import torch

    parameters = trainable(model)
    with torch.enable_grad(), _recurrent(model):
        torch.manual_seed(seed)
        value = objective.value(model, call, given)
        if not value.requires_grad or not parameters:
            raise NoGradientError("no parameter has a gradient: nothing that it gives follows from one by autograd")
        found = torch.autograd.grad(value, list(parameters.values()), allow_unused=True)
    pairs = zip(parameters, found, strict=True)
    return value, {name: gradient for name, gradient in pairs if gradient is not None}


@contextlib.contextmanager
def _recurrent(model: Any) -> Iterator[None]:
    """cuDNN has gradients of recurrent layers in training mode alone, in which they drop values; here they drop none."""
    import torch

    layers = [module for module in model.modules() if isinstance(module, torch.nn.RNNBase) and not module.training]
    dropped = [layer.dropout for layer in layers]
    for layer in layers:
        layer.train()
        layer.dropout = 0.0
    try:
        yield
    finally:
        for layer, share in zip(layers, dropped, strict=True):
            layer.eval()
            layer.dropout = share


def _projection(name: str, tensor: torch.Tensor, seed: int) -> torch.Tensor:
    import torch

    generator = torch.Generator().manual_seed(seed * 1_000_003 + zlib.crc32(name.encode()))
    finite = torch.isfinite(tensor)
    scale = float(tensor[finite].abs().max()) if bool(finite.any()) else 1.0
    drawn = torch.randn(tensor.shape, generator=generator) / ((scale or 1.0) * (tensor.numel() or 1) ** 0.5)
    return torch.where(finite, drawn, torch.zeros(()))


# --- labels -----------------------------------------------------------------------------------------------------------

Drawing = Callable[["torch.Tensor", Tensors, "torch.Generator"], dict[str, "torch.Tensor"]]


@dataclass(frozen=True)
class Form:
    """The form of a task's labels."""

    draw: Drawing
    """The labels for the output of that name, the inputs, and a generator."""
    output: str = "logits"
    """The output that they are held against."""
    names: frozenset[str] = frozenset({"labels"})
    """Arguments that they are handed over as."""


def _classes(shape: tuple[int, ...], count: int, generator: torch.Generator, low: int = 0) -> torch.Tensor:
    """Indices of classes; numbers where there is one class, which is a regression."""
    import torch

    if count == 1:
        return torch.randn(shape, generator=generator)
    return torch.randint(low, count, shape, generator=generator)


def _of_tokens(logits: torch.Tensor, inputs: Tensors, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """A class for each token; there are fewer of these than logits where an image stands before a text (GIT)."""
    shape = tuple(logits.shape[:-1])
    text = inputs.get("input_ids")
    if text is not None and text.ndim == len(shape) and "decoder_input_ids" not in inputs:
        shape = min(shape, tuple(text.shape))
    return {"labels": _classes(shape, logits.shape[-1], generator)}


def _of_rows(logits: torch.Tensor, inputs: Tensors, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """A class for each row."""
    del inputs
    return {"labels": _classes((logits.shape[0],), logits.shape[-1], generator)}


def _of_spans(logits: torch.Tensor, inputs: Tensors, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """The first and the last token of an answer for each row."""
    del inputs
    rows, tokens = logits.shape[:2]
    return {name: _classes((rows,), tokens, generator) for name in ("start_positions", "end_positions")}


def _of_transcripts(logits: torch.Tensor, inputs: Tensors, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """A text for each row, shorter than the frames that it is aligned with; 0 is the blank between tokens."""
    del inputs
    rows, frames, count = logits.shape
    return {"labels": _classes((rows, max(1, frames // 3)), count, generator, low=1)}


_TOKENS, _ROWS = Form(_of_tokens), Form(_of_rows)

TARGETS: dict[str, Form] = {
    "MODEL_FOR_CAUSAL_LM_MAPPING": _TOKENS,
    "MODEL_FOR_MASKED_LM_MAPPING": _TOKENS,
    "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING": _TOKENS,
    "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING": _TOKENS,
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING": _TOKENS,
    "MODEL_FOR_MULTIMODAL_LM_MAPPING": _TOKENS,
    "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING": _TOKENS,
    "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING": _ROWS,
    "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING": _ROWS,
    "MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING": _ROWS,
    "MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING": _ROWS,
    "MODEL_FOR_MULTIPLE_CHOICE_MAPPING": _ROWS,
    "MODEL_FOR_NEXT_SENTENCE_PREDICTION_MAPPING": _ROWS,
    "MODEL_FOR_QUESTION_ANSWERING_MAPPING": Form(
        _of_spans, "start_logits", frozenset({"start_positions", "end_positions"})
    ),
    "MODEL_FOR_CTC_MAPPING": Form(_of_transcripts),
}
"""The form of the labels by transformers' mapping; a head in several has that of the first."""
