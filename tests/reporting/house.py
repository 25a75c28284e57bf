"""A directory that looks like the repository, with results in it as the harness writes them, by its own record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.results.record import Record, to_line
from reporting import Outcome, update

PINS = {"cpu": {"torch": "2.13.0", "transformers": "5.23.0"}, "cuda": {"torch": "2.13.0", "transformers": "5.23.0"}}
VERSIONS = {"torch": "2.13.0+cpu", "transformers": "5.23.0", "numpy": "2.4.6"}


@dataclass
class House:
    """A repository's ``reports`` and ``skills``, with what stands in them."""

    root: Path
    rows: list[dict[str, Any]] = field(default_factory=list)
    pins: dict[str, dict[str, str]] = field(default_factory=lambda: {name: dict(of) for name, of in PINS.items()})

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def skills(self) -> Path:
        return self.root / "skills"

    def catalogue(self, model_type: str, **facts: Any) -> None:
        """Put an architecture into the catalogue."""
        row = {"model_type": model_type, "state": "architecture", "tier": "critical", "family": "decoder-only"}
        heads = [f"{model_type.upper()}Model"]
        self.rows.append(row | {"reason": "", "module": f"hf_{model_type}", "heads": heads} | facts)

    def skill(self, model_type: str, text: str = "1") -> str:
        """Write a skill and its line of the manifest; its digest."""
        self.skills.mkdir(exist_ok=True)
        file = self.skills / f"hf_{model_type}.py"
        file.write_text(f"# {model_type} {text}\n")
        manifest = self.skills / "manifest.json"
        known = json.loads(manifest.read_text()) if manifest.exists() else {"skills": {}}
        known["skills"][model_type] = {"sha256": self.digest(model_type)}
        manifest.write_text(json.dumps(known))
        return self.digest(model_type)

    def digest(self, model_type: str) -> str:
        """Digest of a skill on disk."""
        return hashlib.sha256((self.skills / f"hf_{model_type}.py").read_bytes()).hexdigest()

    def environment(self, run: str, name: str = "e1", **facts: Any) -> Path:
        """Write the fingerprint of a run."""
        path = self.reports / "runs" / run / f"environment-{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        about = {
            "id": name,
            "versions": VERSIONS,
            "python": "3.11.9",
            "platform": "Linux",
            "devices": {"cpu": {"cpu": "Grand CPU"}, "cuda": {}},
            "git": "abc1234",
            "started": "2026-11-23T15:30:00Z",
            "command": ["/somewhere/pytest/__main__.py", "--hardware=cpu"],
        }
        path.write_text(json.dumps(about | facts))
        return path

    def record(self, run: str, model_type: str, check: str = "forward", **facts: Any) -> Record:
        """A record as the harness would make it."""
        head = facts.pop("head", f"{model_type.upper()}Model")
        hardware = facts.pop("hardware", "cpu")
        status = facts.get("status", "passed")
        skill = self.skills / f"hf_{model_type}.py"
        standard: dict[str, Any] = {
            "primary": True,
            "tier": "critical",
            "family": "decoder-only",
            "status": status,
            "runs": status,
            "matches": None,
            "speed": None,
            "stage": None,
            "reason": None if status == "passed" else f"it {status}",
            "signature": None,
            "traceback": None,
            "executed_on": hardware,
            "metrics": {"rel_l2": 1.25e-7, "max_abs": 3e-6, "parameters": 123456},
            "started": f"{run[:4]}-{run[4:6]}-{run[6:8]}T12:00:00+00:00",
            "seconds": 0.25,
            "skill_sha256": self.digest(model_type) if skill.exists() else "",
            "environment": "e1",
        }
        cell = f"{model_type}/{head}/{hardware}/fp32/{check}"
        return Record(
            cell=cell, run=run, model_type=model_type, head=head, hardware=hardware, dtype="fp32", check=check,
            **(standard | facts),
        )  # fmt: skip

    def results(self, run: str, *records: Record, file: str = "main.jsonl", environment: bool = True) -> Path:
        """Append records to a run, with a fingerprint unless it has one."""
        path = self.reports / "runs" / run / file
        if environment and not (path.parent / "environment-e1.json").exists():
            self.environment(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as stream:
            stream.writelines(to_line(record) + "\n" for record in records)
        return path

    def update(self, **more: Any) -> Outcome:
        """Update the reports."""
        return update(self.reports, self.skills, self.pins, self.rows, **more)

    def read(self, name: str) -> str:
        """A report."""
        return (self.reports / f"{name}.md").read_text(encoding="utf-8")

    def files(self) -> Mapping[str, bytes]:
        """Every file that is committed, by its path in ``reports``."""
        runs = self.reports / "runs"
        return {
            path.relative_to(self.reports).as_posix(): path.read_bytes()
            for path in sorted(self.reports.rglob("*"))
            if path.is_file() and runs not in path.parents
        }
