"""Tiny models from a skill's declaration, with weights drawn so that errors show; no download, no comparison.

Default initialisation (std 0.02, zero biases, zero gates) lets many architectures' signals collapse: outputs then
hardly depend on weights or inputs, and a wrong backend agrees with the reference. Hence every trainable, saved
parameter is drawn anew, "hot": a matrix with variance 1/fan_in, a vector with noise of 0.1 around where it began.
"""

from __future__ import annotations

import copy
import importlib.metadata
import re
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.packages import MissingLibraryError, UnknownClassError, public_class

if TYPE_CHECKING:
    import torch

    from harness.skill import Head, Skill

__all__ = [
    "DEFAULT",
    "DTYPES",
    "MissingLibraryError",
    "UnknownClassError",
    "build",
    "config_arguments",
    "configure",
    "load",
    "moved",
    "public_class",
    "redraw",
]

DTYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "fp64": "float64"}
"""Names of dtypes in cells, and torch's."""

DEFAULT = "default"
"""In the place of a dtype: the precision in which a hardware computes where nobody tells it one, as its users run it."""

NOISE = 0.1
"""Standard deviation of the noise on vectors and statistics."""


RECTIFIED = 0.5
"""Variance that batch normalisation reckons with: what a matrix of variance 1/fan_in makes of rectified normal numbers.
With 1 a deep convolutional model lets its signal fade below float32's rounding (EfficientNet)."""


def config_arguments(skill: type[Skill], head: Head) -> dict[str, Any]:
    """Arguments of the head's config class: the skill's, or a part of them, or them as a part, under the head's own."""
    if head.part is not None:
        shared = {name: value for name, value in skill.config[head.part].items() if name != "model_type"}
    elif head.within is not None:
        shared = {head.within: {"model_type": skill.of or skill.model_type, **skill.config}}
    else:
        shared = dict(skill.config)
    return _overlay(shared, head.config)


def configure(skill: type[Skill], head: Head) -> Any:
    """The config object of a head.

    Raises:
        UnknownClassError: there is no such config class.
    """
    arguments = copy.deepcopy(config_arguments(skill, head))  # some classes take the nested ones apart
    name = head.config_class or skill.config_class
    try:
        made = public_class(name, skill.package)
    except UnknownClassError:
        # Before 5.0 some config classes of parts are known to their modules alone (Mllama's), and to the heads they are of.
        made = getattr(public_class(head.class_name, skill.package), "config_class", None)
        if getattr(made, "__name__", None) != name:
            raise
    return made(**arguments)


def build(skill: type[Skill], head: Head, seed: int = 0, dtype: str = "fp32") -> Any:
    """The head's tiny model on the CPU, in eval mode, with eager attention where it has one and hot weights.

    Equal skill, head and seed give equal weights on every machine, in every dtype up to rounding.

    Raises:
        MissingLibraryError: a library of ``skill.requires``, or the skill's package, is not installed.
        UnknownClassError: there is no such class.
    """
    import torch

    require(skill)
    model_class = public_class(head.class_name, skill.package)
    torch.manual_seed(seed)
    model = instantiate(model_class, configure(skill, head))
    redraw(model, seed)
    settle(model, head)
    wanted = getattr(torch, DTYPES[dtype])
    return model if dtype == "fp32" else model._apply(lambda tensor: tensor.to(_in(wanted, tensor)))


def load(model_class: Any, checkpoint: str, **options: Any) -> tuple[Any, dict[str, Any]]:
    """A float32 model from safetensors, in a local folder or on the hub, and what its loading reports.

    The report has ``missing_keys``, ``unexpected_keys``, ``mismatched_keys`` and ``error_msgs``; it is empty for a
    class with a ``from_pretrained`` of its own, which need not hand the report on.
    """
    import torch
    from transformers import PreTrainedModel

    options = {"dtype": torch.float32, "use_safetensors": True, **options}
    if model_class.from_pretrained.__func__ is not PreTrainedModel.from_pretrained.__func__:
        return model_class.from_pretrained(checkpoint, **options), {}
    model, report = model_class.from_pretrained(checkpoint, output_loading_info=True, **options)
    return model, report


def settle(model: Any, head: Head) -> None:
    """Eval mode, and the generation config that a real checkpoint would bring in a file of its own."""
    model.eval()
    for name, value in head.generation_config.items():
        setattr(model.generation_config, name, copy.deepcopy(value))


def moved(model: Any, device: str, dtype: torch.dtype) -> Any:
    """A copy of the model on a device in a dtype, with the tensors that it keeps beside its parameters and buffers: one
    that has run may hold what it made of them (Mimi's codebooks), which torch's ``to`` does not know of."""
    import torch

    copied = copy.deepcopy(model)._apply(lambda tensor: tensor.to(device, _in(dtype, tensor)))
    for module in copied.modules():
        for name, value in list(vars(module).items()):
            if isinstance(value, torch.Tensor):
                setattr(module, name, value.to(device, _in(dtype, value)))
    return copied


def _in(dtype: torch.dtype, tensor: torch.Tensor) -> torch.dtype:
    """The dtype that a tensor has in a model of a dtype. torch's own ``to`` makes complex numbers (Llama 4's rotations of
    patches) real ones, which are others."""
    import torch

    if tensor.is_complex():
        return torch.complex128 if dtype is torch.float64 else tensor.dtype
    return dtype if tensor.is_floating_point() else tensor.dtype


def require(skill: type[Skill]) -> None:
    """Raises MissingLibraryError if an optional library of the skill is not installed."""
    for library in skill.requires:
        try:
            importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            raise MissingLibraryError(f"{skill.model_type} needs {library}, which is not installed here") from None


def instantiate(model_class: Any, config: Any) -> Any:
    """A float32 model of the config with eager attention and experts, or the class's own where it has no eager ones."""
    import torch

    plain = {f"{kind}_implementation": "eager" for kind in implementations(config)}
    try:
        return model_class._from_config(copy.deepcopy(config), dtype=torch.float32, **plain)
    except ValueError as error:
        # Some classes accept one implementation only, and say so by name.
        if "implementation" not in str(error):
            raise
        return model_class._from_config(config, dtype=torch.float32)


def implementations(config: Any) -> dict[str, Any]:
    """What the installed transformers lets one choose an implementation of (attn, experts), and the config's choice."""
    kinds = ("attn", "experts")  # releases before 5.0 know no choice of experts
    return {kind: getattr(config, name) for kind in kinds if hasattr(config, name := f"_{kind}_implementation")}


def redraw(model: torch.nn.Module, seed: int) -> None:
    """Draw the trainable, saved parameters anew, in place, and the running statistics and codebooks.

    Each draw depends on the seed and the tensor's name alone. Tied weights stay tied. Parameters that are frozen or
    not saved are constants that the model computes itself (Marian's sinusoids), and stay.
    """
    import torch

    unsaved = [re.compile(pattern) for pattern in getattr(model, "_keys_to_ignore_on_save", None) or ()]
    unshrunk = {id(child) for module in model.modules() if _waves(module) for child in module.children()}
    fan_in = {
        id(weight): count / RECTIFIED if id(module) in unshrunk else count
        for module in model.modules()
        for weight, count in _fans(module)
    }
    scales = {id(module.weight) for module in model.modules() if _scales(module)}
    seen: set[int] = set()
    with torch.no_grad():
        # Sorted, so that the name that a tied weight is drawn by does not depend on the order of registration.
        for name, parameter in sorted(model.named_parameters(remove_duplicate=False)):
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            if (
                parameter.requires_grad
                and parameter.is_floating_point()
                and not any(pattern.search(name) for pattern in unsaved)
            ):
                noise = _noise(name, parameter, seed)
                if parameter.ndim >= 2 and not _spread(parameter):
                    parameter.copy_(noise / fan_in.get(id(parameter), parameter.shape[-1] or 1) ** 0.5)
                else:
                    parameter.copy_(_around(parameter, noise, scale=id(parameter) in scales))
        saved = model.state_dict().keys()
        for name, buffer in model.named_buffers():
            # What is not saved the model computes itself: NeuCodec's codebook of all levels.
            if not buffer.is_floating_point() or name not in saved:
                continue
            if name.endswith("running_mean"):
                buffer.add_(NOISE * _noise(name, buffer, seed))
            elif name.endswith("running_var"):
                buffer.copy_(RECTIFIED * (1 + NOISE * _noise(name, buffer, seed).abs()))
            elif "codebook" in name and buffer.ndim >= 2:
                buffer.copy_(_noise(name, buffer, seed))


def _around(parameter: torch.Tensor, noise: torch.Tensor, *, scale: bool) -> torch.Tensor:
    """A vector around where it began; one that began so small that it would close its branch, around one.

    That is a gate (1e-6 in layer scale), or a normalisation's scale drawn like a matrix (EfficientNet: std 0.02).
    """
    largest = float(parameter.abs().max()) if parameter.numel() else 0.0
    if largest == 0.0:
        return NOISE * noise
    constant = bool((parameter == parameter.flatten()[0]).all())
    if (scale and not constant) or (constant and largest <= NOISE):
        return 1 + NOISE * noise
    return parameter * (1 + NOISE * noise)


def _spread(parameter: torch.Tensor) -> bool:
    """Whether it is a vector of equal numbers, laid along one of several axes: a scale of each channel (DAC's snakes,
    which divide by it)."""
    along_one = sum(size > 1 for size in parameter.shape) <= 1 and parameter.numel() > 0
    return along_one and bool((parameter == parameter.flatten()[0]).all()) and bool(parameter.flatten()[0] != 0)


def _waves(module: torch.nn.Module) -> bool:
    """Whether a snake is among a module's children. Unlike a rectifier it lets all of a signal through, so that with
    variance 1/fan_in around it each residual unit would double the signal until sines of it are noise (DAC)."""
    return any(
        not list(child.children()) and any(item.ndim >= 2 and _spread(item) for item in child.parameters(recurse=False))
        for child in module.children()
    )


def _scales(module: torch.nn.Module) -> bool:
    """Whether a module is a normalisation with a scale."""
    return "Norm" in type(module).__name__ and getattr(getattr(module, "weight", None), "ndim", None) == 1


def _noise(name: str, like: torch.Tensor, seed: int) -> torch.Tensor:
    import torch

    generator = torch.Generator().manual_seed(seed * 1_000_003 + zlib.crc32(name.encode()))
    return torch.randn(like.shape, generator=generator)


def _fans(module: torch.nn.Module) -> list[tuple[torch.Tensor, float]]:
    """Weights of a layer whose fan-in is not their last axis: convolutions, and GPT-2's transposed linear layer."""
    from torch.nn.modules.conv import _ConvNd
    from transformers.pytorch_utils import Conv1D

    if isinstance(module, _ConvNd):
        return [(module.weight, module.weight[0].numel() or 1)]
    if isinstance(module, Conv1D):
        return [(module.weight, module.weight.shape[0])]
    return []


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: copy.deepcopy(value) for key, value in below.items()}
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _overlay(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged
