"""Tests of generator.cache: what is read is what was written, whole, or nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import cache


def test_directory_is_in_the_repository_unless_moved(
    monkeypatch: pytest.MonkeyPatch, root: Path, tmp_path: Path
) -> None:
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    assert cache.directory() == root / ".cache"
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    assert cache.directory() == tmp_path


@given(st.lists(st.text()), st.lists(st.text()))
def test_keys_are_equal_only_for_equal_parts(left: list[str], right: list[str]) -> None:
    assert (cache.key(*left) == cache.key(*right)) == (left == right)


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_read_is_what_was_written(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "deep" / "er" / "file"
    cache.write(path, text)
    assert cache.read(path) == text


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-1],
        lambda raw: raw[:10],
        lambda raw: raw[:0],
        lambda raw: raw + b" ",
        lambda raw: b"\xff" + raw,
    ],
)
def test_a_damaged_file_reads_as_none(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "file"
    cache.write(path, "one\ntwo\n")
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert cache.read(path) is None


def test_what_is_not_there_reads_as_none(tmp_path: Path) -> None:
    assert cache.read(tmp_path / "nothing") is None
    assert cache.read(tmp_path) is None


def test_a_write_that_fails_leaves_the_old_text_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    cache.write(path, "old")
    monkeypatch.setattr(Path, "replace", _no_space)
    with pytest.raises(OSError, match="No space left"):
        cache.write(path, "new")
    assert cache.read(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def _no_space(self: Path, target: Path) -> Path:
    raise OSError(28, "No space left on device", str(self))


def test_two_processes_that_write_at_once_leave_one_whole_text(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "file"
    code = (
        "import sys; from pathlib import Path; from generator import cache\n"
        "for _ in range(100): cache.write(Path(sys.argv[1]), sys.argv[2] * 50_000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), letter], cwd=root) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        text = cache.read(path)
        if text is not None:
            seen.add(text)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen | {cache.read(path)} <= {"a" * 50_000, "b" * 50_000}
    assert list(tmp_path.iterdir()) == [path]
