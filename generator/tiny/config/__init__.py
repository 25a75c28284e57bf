"""The smallest valid arguments of a config class: every field by its role, layers of every kind, fields that depend on
each other, nested configs by recursion. Where a head refuses them, ``repair`` reads from its error which fields go
together. Knows no model; what all of that gets wrong is in ``rows``."""

from generator.tiny.config.layers import spelled
from generator.tiny.config.repair import MANNERS, Tried, mended
from generator.tiny.config.tree import merge, not_gainsaid, settled, shrink

__all__ = ["MANNERS", "Tried", "mended", "merge", "not_gainsaid", "settled", "shrink", "spelled"]
