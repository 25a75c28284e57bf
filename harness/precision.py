"""Running a model wholly in float64, also where its code asks for float32, to calibrate the float32 reference."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

__all__ = ["widened"]


@contextlib.contextmanager
def widened() -> Iterator[None]:
    """Within it, every operation that asks for float32 gets float64, and new tensors are float64 by default.

    Models compute norms, softmax and rotary angles in float32 whatever their weights are; without this a model moved
    to float64 would round there as the float32 one does, or fail on mixed dtypes. Random numbers are drawn in
    float32 and widened, so that a seed gives the same ones.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    narrow, wide = torch.float32, torch.float64

    class Widen(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if torch.Tag.nondeterministic_seeded in func.tags:
                return _draw(func, args, kwargs)
            args = tuple(wide if item is narrow else item for item in args)
            kwargs = {name: wide if item is narrow else item for name, item in kwargs.items()}
            return func(*args, **kwargs)

    def _draw(func: Any, args: Any, kwargs: Any) -> Any:
        if args and isinstance(args[0], torch.Tensor) and args[0].dtype is wide and func._schema.is_mutable:
            args[0].copy_(func(torch.empty_like(args[0], dtype=narrow), *args[1:], **kwargs))
            return args[0]
        if kwargs.get("dtype", _own(func, args)) is wide:
            kwargs = {**kwargs, "dtype": narrow}
        drawn = func(*args, **kwargs)
        return drawn.to(wide) if isinstance(drawn, torch.Tensor) and drawn.dtype is narrow else drawn

    def _own(func: Any, args: Any) -> Any:
        """The dtype that a function which was told none takes: that of the tensor it is like, or the default."""
        if "dtype" not in {item.name for item in func._schema.arguments} or func.__name__.startswith(
            ("randint", "randperm")
        ):
            return None
        return args[0].dtype if args and isinstance(args[0], torch.Tensor) else torch.get_default_dtype()

    before = torch.get_default_dtype()
    torch.set_default_dtype(wide)
    try:
        with Widen():
            yield
    finally:
        torch.set_default_dtype(before)
