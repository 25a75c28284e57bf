"""How names of models are compared: what counts as the same spelling. Not for finding out which model is meant."""

from __future__ import annotations

import re

__all__ = ["LONGEST", "printable", "squash"]

LONGEST = 120
"""Characters of the longest name that is looked up; the longest in transformers has 53."""


def squash(text: str) -> str:
    """The name without case and punctuation: gpt-j, GPT_J and GPTJ are all gptj."""
    return re.sub(r"[^0-9a-z]", "", text.lower())


def printable(text: str, limit: int = 60) -> str:
    """The text quoted on one line of printable ASCII, cut to about ``limit`` characters."""
    shown = ascii(text[:limit])
    if len(shown) > limit + 2:  # escapes made it longer
        shown = shown[: limit + 1] + shown[0]
    return f"{shown}... ({len(text)} characters)" if len(text) > limit else shown
