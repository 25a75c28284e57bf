"""What a release of transformers offers its users, small enough to keep, and what has changed between two releases."""

from generator.facts.difference import Difference, compare, only
from generator.facts.record import Facts, FactsError, HeadFacts, TypeFacts, from_json, to_json
from generator.facts.store import keep, kept, name, of_installed, previous, remember, remembered

__all__ = [
    "Difference",
    "Facts",
    "FactsError",
    "HeadFacts",
    "TypeFacts",
    "compare",
    "from_json",
    "keep",
    "kept",
    "name",
    "of_installed",
    "only",
    "previous",
    "remember",
    "remembered",
    "to_json",
]
