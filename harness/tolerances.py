"""How far numbers may be apart: one table by hardware, dtype and check, each row with the source of its figure.

All figures bound the largest absolute difference over the largest absolute value of the reference, per output
tensor. A model that needs another one is no row here, but a known failure with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TABLE", "Tolerance", "tolerance"]


@dataclass(frozen=True)
class Tolerance:
    """One figure."""

    rel_max: float
    """Bound of max|difference| / max|reference|; 0 asks for equal bits."""
    source: str
    """Where the figure comes from."""


_HEADS = "283 heads of 73 tiny architectures with hot weights, torch 2.13, one thread, 2026-11: "
_MEASURED = "28 tiny models with hot weights, torch 2.13 on CPU, sdpa against eager float32, 2026-11: "
_OTHER = "28 tiny models on OpenVINO and ONNX Runtime in float32: largest 3.4e-6, typically 5e-7; no GPU was measured"

_MASKED = "819 heads of transformers 5.23.0, torch 2.13 on CPU, 2026-11: largest 7.3e-7 (experts add in another order), median 0"

_TRAINED = "250 heads of 130 architectures with hot weights, torch 2.13 on CPU, one thread, 2026-11: "
_TRAINED_16 = "28 primary heads of the critical tier, torch 2.13 on CPU, 2026-11: all but two within "

ANY = "*"
"""In the place of a hardware: every one without a row of its own."""

TABLE: dict[tuple[str, str, str], Tolerance] = {
    # parity: against float64 on the CPU in float32, else against the CPU in float32
    ("cpu", "fp32", "parity"): Tolerance(3e-5, _HEADS + "largest 4.6e-6 (mobilenet_v2), median 5.1e-7"),
    (ANY, "fp32", "parity"): Tolerance(1e-4, _OTHER),
    (ANY, "fp16", "parity"): Tolerance(1e-2, _MEASURED + "largest 7.8e-3, typically 2e-3"),
    (ANY, "bf16", "parity"): Tolerance(6e-2, _MEASURED + "largest 4.8e-2 (sam), typically 1e-2 to 3e-2"),
    # a row alone and in its batch: other blocking of the same sums
    (ANY, "fp32", "batch_invariance"): Tolerance(3e-5, _HEADS + "largest 5.9e-6 (mobilenet_v2), median 0"),
    (ANY, "fp16", "batch_invariance"): Tolerance(1e-2, "as parity: the sums may be blocked anew at every layer"),
    (ANY, "bf16", "batch_invariance"): Tolerance(6e-2, "as parity: the sums may be blocked anew at every layer"),
    # tokens that are hidden and other tokens that are hidden: both count for nothing
    (ANY, "fp32", "masking"): Tolerance(1e-5, _MASKED),
    (ANY, "fp16", "masking"): Tolerance(1e-2, "as parity: the sums may be blocked anew at every layer"),
    (ANY, "bf16", "masking"): Tolerance(6e-2, "as parity: the sums may be blocked anew at every layer"),
    # logits of a step with a cache and without one
    ("cpu", "fp32", "generation"): Tolerance(3e-5, _HEADS + "largest 1.2e-6 (pix2struct), median 4.9e-7"),
    (ANY, "fp32", "generation"): Tolerance(1e-4, "as parity"),
    (ANY, "fp16", "generation"): Tolerance(1e-2, "as parity"),
    (ANY, "bf16", "generation"): Tolerance(6e-2, "as parity"),
    # the same sums in the same order
    ("cpu", "fp32", "determinism"): Tolerance(0.0, "one thread order, no atomics"),
    (ANY, "fp32", "determinism"): Tolerance(0.0, "deterministic kernels are asked for"),
    (ANY, "fp16", "determinism"): Tolerance(0.0, "deterministic kernels are asked for"),
    (ANY, "bf16", "determinism"): Tolerance(0.0, "deterministic kernels are asked for"),
    # the same weights at other addresses: kernels for a vector take another path where it is not aligned
    (ANY, "fp32", "round_trip"): Tolerance(2e-6, _HEADS + "largest 2.7e-7 (mobilenet_v2), median 0"),
    (ANY, "fp16", "round_trip"): Tolerance(1e-2, "as parity: one bit of a score, at every layer"),
    (ANY, "bf16", "round_trip"): Tolerance(6e-2, "as parity: one bit of a score, at every layer"),
    # gradients, against float64 on the CPU in float32, else against the CPU in float32; scale: see checks.backward.SMALL
    (ANY, "fp32", "backward"): Tolerance(1e-3, _TRAINED + "largest 2.9e-4 (pp_lcnet_v3), median 2e-6, against float64"),
    (ANY, "fp16", "backward"): Tolerance(1e-1, _TRAINED_16 + "5.0e-2, typically 4e-3 (resnet 1.0e-1, t5 4.2e-1)"),
    (ANY, "bf16", "backward"): Tolerance(3e-1, _TRAINED_16 + "2.1e-1, typically 3e-2 (resnet 4.7e-1, t5 5.1e-1)"),
    # the rise of the objective along a direction, by differences in float64, against the gradients'
    ("cpu", "fp32", "backward_slope"): Tolerance(1e-5, _TRAINED + "largest 7.4e-7 (edgetam), median 2e-9"),
}


def tolerance(hardware: str, dtype: str, check: str) -> Tolerance:
    """The row of the hardware, or the one for any.

    Raises:
        KeyError: no row; a check that compares in a new dtype needs one.
    """
    return TABLE.get((hardware, dtype, check)) or TABLE[ANY, dtype, check]
