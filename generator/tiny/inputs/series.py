"""Time series: the past, what is known of it, and the future of a training step."""

from __future__ import annotations

from collections.abc import Mapping

from generator.spec import InputSpec
from generator.tiny.inputs.context import BATCH, TARGET, Answer, Context, Rule, batch

__all__ = ["RULES"]


def _past_length(context: Context) -> int:
    context_length = context.find("context_length") or context.find("prediction_length") or TARGET
    return int(context_length + max(context.find("lags_sequence") or [0]))


def _channels(context: Context) -> int:
    return context.find("num_input_channels", "input_size") or 1


def _past(context: Context, name: str) -> Answer:
    """Values of one series or of several side by side."""
    length, channels = _past_length(context), _channels(context)
    one, several = (BATCH, length), (BATCH, length, channels)
    shapes = [several, one] if channels > 1 or context.find("num_input_channels") else [one, several]
    return [InputSpec(name, "Floats", {"shape": shape}) for shape in shapes]


def _observed(context: Context, name: str) -> Answer:
    """Which past values are there: floats where the values are counted by them, else booleans."""
    if context.find("num_input_channels"):
        return None
    return InputSpec(name, "Mask", {"shape": (BATCH, _past_length(context)), "dtype": "float32"})


def _past_features(context: Context, name: str) -> Answer:
    count = (context.find("num_time_features") or 0) + (context.find("num_dynamic_real_features") or 0)
    return InputSpec(name, "Floats", {"shape": (BATCH, _past_length(context), count)})


def _future(context: Context, name: str) -> Answer:
    if "future_time_features" not in context.forward:
        return None
    return InputSpec(name, "Floats", {"shape": (BATCH, context.find("prediction_length"))})


def _future_features(context: Context, name: str) -> Answer:
    count = (context.find("num_time_features") or 0) + (context.find("num_dynamic_real_features") or 0)
    return InputSpec(name, "Floats", {"shape": (BATCH, context.find("prediction_length"), count)})


def _episode(context: Context, name: str) -> Answer:
    """What an agent saw, did and was promised, step by step."""
    if context.find("state_dim") is None:
        return None
    lanes = {"states": context.find("state_dim"), "actions": context.find("act_dim")}.get(name, 1)
    return InputSpec(name, "Floats", {"shape": (BATCH, TARGET, lanes)})


def _steps(context: Context, name: str) -> Answer:
    if context.find("state_dim") is None:
        return None
    return InputSpec(name, "Literal", {"values": [list(range(TARGET))] * BATCH})


def _nothing_padded(context: Context, name: str) -> Answer:
    return InputSpec(name, "Literal", {"values": [[0] * _past_length(context)] * BATCH})


def _frequency(context: Context, name: str) -> Answer:
    return InputSpec(name, "Literal", {"values": [[0]] * batch(context)})


RULES: Mapping[str, Rule] = {
    "states": _episode,
    "actions": _episode,
    "rewards": _episode,
    "returns_to_go": _episode,
    "timesteps": _steps,
    "past_values_padding": _nothing_padded,
    "freq": _frequency,
    "past_values": _past,
    "past_observed_mask": _observed,
    "past_time_features": _past_features,
    "future_values": _future,
    "future_time_features": _future_features,
}
"""Rules for time series."""
