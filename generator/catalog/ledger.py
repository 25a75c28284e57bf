"""The ledger: what each entry of ``CONFIG_MAPPING`` is, and why. Rules over the library's own statements, no list of names;
a new release's entries fall under them or stop the build."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from generator.catalog.heads import TASKLESS
from generator.catalog.library import Entry, Library
from generator.catalog.row import STATES

__all__ = ["LedgerError", "Standing", "ledger"]

BUILDS = re.compile(r"\b(\w+)\((?:config=)?config(?:uration)?\)")


class LedgerError(RuntimeError):
    """An entry that no rule, or more than one, accounts for."""


@dataclass(frozen=True)
class Standing:
    """What an entry is."""

    state: str
    """One of generator.catalog.row.STATES."""
    of: str | None
    """The architecture it belongs to, for components and aliases."""
    reason: str
    """Why."""


def ledger(library: Library) -> dict[str, Standing]:
    """The standing of every entry, by model type.

    Raises:
        LedgerError: an entry belongs to nothing that stands by itself.
    """
    rules = _Rules(library)
    first = {name: rules.standing(entry) for name, entry in library.entries.items()}
    settled = {name: _settle(name, first) for name in first}
    lost = sorted(name for name, standing in settled.items() if standing.state not in STATES or not standing.reason)
    if lost:
        raise LedgerError(f"catalog: no rule accounts for {', '.join(lost)}. The ledger must leave nothing out.")
    return settled


class _Rules:
    """The rules, with the indexes that they share."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._parents: defaultdict[str, dict[str, str]] = defaultdict(dict)
        """Type -> the types that hold it by default, and as which field."""
        self._twins: defaultdict[str, list[str]] = defaultdict(list)
        """Config class -> its types."""
        self._namesakes: dict[str, str] = {}
        """Folder -> the type that it is named for."""
        for entry in library.entries.values():
            self._twins[entry.config_class].append(entry.model_type)
            if entry.model_type.replace("-", "_") == entry.folder:
                self._namesakes[entry.folder] = entry.model_type
            for sub in entry.subs:
                if sub.model_type != entry.model_type:
                    self._parents[sub.model_type].setdefault(entry.model_type, sub.field)

    def standing(self, entry: Entry) -> Standing:
        """What the entry is, components of components not yet followed."""
        if entry.package is not None:
            return self._guest(entry)
        twin = self._twin(entry)
        if twin:
            return Standing("alias", twin, f"{twin} has the same config class, {entry.config_class}")
        parents = self._parents[entry.model_type]
        near = sorted(name for name in parents if self._library.entries[name].folder == entry.folder)
        namesake = self._namesakes.get(entry.folder)
        if near:
            whole = namesake if namesake in near else near[0]
            return Standing("component", whole, f"{whole}, of the same folder, holds it by default as {parents[whole]}")
        listed = self._listed(entry)
        tasks = [name for name in listed if name not in TASKLESS]
        if namesake not in (None, entry.model_type) and not tasks:
            what = "no auto class for a task" if listed else "no auto class"
            return Standing("component", namesake, f"lives in the folder of {namesake}, and {what} lists it")
        if listed:
            return Standing(
                "architecture", None, f"{(tasks or listed)[0]} lists it, and no type of its folder holds it"
            )
        if self._library.models.exported(entry.folder):
            return Standing("architecture", None, "no auto class lists it, but its folder exports models of its own")
        return self._borrowed(entry)

    def _guest(self, entry: Entry) -> Standing:
        """An entry of a plugin: what it registers a model for stands by itself, whoever else holds the config."""
        listed = self._listed(entry)
        if listed:
            return Standing("architecture", None, f"plugin {entry.package} registers it in {', '.join(listed)}")
        holders = sorted(
            name for name in self._parents[entry.model_type] if self._library.entries[name].package == entry.package
        )
        if holders:
            return Standing("component", holders[0], f"{holders[0]}, of the same plugin, holds it, and it has no model")
        return Standing("impossible", None, f"plugin {entry.package} registers its config, and no model for it")

    def _listed(self, entry: Entry) -> list[str]:
        """Mappings that list the type with a class that exists."""
        tables, modules = self._library.mappings.items(), self._library.modules
        return sorted(
            name for name, table in tables if any(item in modules for item in table.get(entry.model_type, ()))
        )

    def _twin(self, entry: Entry) -> str | None:
        """The type that this one is another name of: of those with one config class, the one named like its folder."""
        twins = self._twins[entry.config_class]
        if len(twins) == 1:
            return None
        named = [name for name in twins if name == self._namesakes.get(entry.folder)]
        declared = [name for name in twins if name == entry.declared_type]
        chosen = (named or declared or twins)[0]
        return None if chosen == entry.model_type else chosen

    def _borrowed(self, entry: Entry) -> Standing:
        """An entry with neither auto class nor models of its own: another type's classes serve it, or none do."""
        for name in BUILDS.findall(entry.documentation):
            folder = self._library.modules.get(name, "").removeprefix("models.").partition(".")[0]
            owner = self._namesakes.get(folder)
            if owner is not None:
                return Standing(
                    "alias", owner, f"has no model code of its own; its documentation builds {name} from it"
                )
        if any(entry.model_type in table for table in self._library.mappings.values()):
            return Standing(
                "impossible", None, "auto classes list it only with classes that this release does not have"
            )
        return Standing("impossible", None, "this release has no model code for it, and no auto class lists it")


def _settle(name: str, first: Mapping[str, Standing]) -> Standing:
    """Follow components of components up to what stands by itself."""
    standing, seen = first[name], [name]
    whole = standing.of
    while whole is not None and first[whole].of is not None:
        if whole in seen:
            raise LedgerError(f"catalog: {', '.join(seen)} belong to each other, and to nothing that stands by itself.")
        seen.append(whole)
        whole = first[whole].of
    if whole is not None and first[whole].state == "impossible":
        return Standing("impossible", None, f"belongs to {whole}, which is impossible here: {first[whole].reason}")
    if whole == standing.of:
        return standing
    return Standing(standing.state, whole, f"{standing.reason}; {standing.of} in turn belongs to {whole}")
