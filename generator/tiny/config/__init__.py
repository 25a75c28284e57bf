"""The smallest valid arguments of a config class: every field by its role, layers of every kind, fields that depend on
each other, nested configs by recursion. Knows no model; what the rules get wrong is in ``rows``."""

from generator.tiny.config.tree import merge, settled, shrink

__all__ = ["merge", "settled", "shrink"]
