"""Packages of plugins for a session's environment: what pip is told to install, and what ends the session."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from commands import plugins
from commands.environments import ENVIRONMENTS


def _distribution(site: Path, name: str, origin: dict[str, Any] | None = None) -> None:
    (site / name).mkdir()
    (site / name / "__init__.py").write_text("")
    info = site / f"{name}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.5\n")
    (info / "RECORD").write_text(f"{name}/__init__.py,,\n")
    (info / "top_level.txt").write_text(f"{name}\n")
    if origin is not None:
        (info / "direct_url.json").write_text(json.dumps(origin))


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, ["owl-models==1.5"]),
        ({"url": "file:///src/owl%20models", "dir_info": {"editable": True}}, ["-e", "/src/owl models"]),
        ({"url": "file:///src/owl.whl", "archive_info": {}}, ["/src/owl.whl"]),
        (
            {"url": "https://example.org/owl.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}},
            ["git+https://example.org/owl.git@abc123"],
        ),
        ({"url": "https://example.org/owl.zip", "archive_info": {}}, ["https://example.org/owl.zip"]),
    ],
)
def test_a_package_is_installed_elsewhere_from_where_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, expected: list[str]
) -> None:
    _distribution(tmp_path, "owl_models", origin)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = plugins.source("owl_models:register")
    assert found is not None
    assert found[0] == expected


def test_a_package_that_no_distribution_has_is_not_guessed() -> None:
    assert plugins.source("no_such_package") is None


class _Session:
    """An environment that remembers what it was told, in which only ``here`` is found."""

    venv_backend = "virtualenv"

    def __init__(self, place: Path, here: set[str]) -> None:
        self.virtualenv = type("Environment", (), {"location": str(place)})
        self.here = here
        self.installed: list[tuple[str, ...]] = []

    def install(self, *requirements: str) -> None:
        self.installed.append(requirements)

    def run(self, *command: str, **_: object) -> str:
        return str(any(f"{name!r}" in command[-1] for name in self.here))

    def error(self, sentence: str) -> None:
        raise SystemExit(sentence)


def test_what_was_given_is_installed_once_and_beside_the_pins(tmp_path: Path) -> None:
    session, environment = _Session(tmp_path, {"owl"}), ENVIRONMENTS["cpu"].of("5.10.0")
    for _ in range(2):
        plugins.install(session, environment, ["owl:register"], [str(tmp_path)])  # type: ignore[arg-type]
    assert session.installed == [(*environment.packages, "-e", str(tmp_path))]
    assert "transformers==5.10.0" in session.installed[0]
    plugins.install(session, environment.of("5.17.0"), ["owl"], [str(tmp_path)])  # type: ignore[arg-type]
    assert len(session.installed) == 2


def test_a_package_that_is_nowhere_ends_the_session_and_says_what_is_needed(tmp_path: Path) -> None:
    session = _Session(tmp_path, set())
    with pytest.raises(SystemExit, match=r"plugin moth: moth is neither .* --plugin-from a folder"):
        plugins.install(session, ENVIRONMENTS["cpu"], ["moth"], [])  # type: ignore[arg-type]
    assert not session.installed
