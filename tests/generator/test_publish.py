"""What reaches the folder of skills: whole files or none, whoever dies on the way, and no edit lost unasked."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import publish
from generator.publish import EditedError, Entry, Publisher, PublishError, Rehearsal


def _entry(text: str, name: str = "gptj") -> Entry:
    return Entry(name, f"hf_{name}", publish.digest(text.encode()), "decoder_only.py.mako", "5.23.0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "skills"


def _publish(folder: Path, text: str, name: str = "gptj", *, force: bool = False) -> bool:
    with Publisher(folder) as publisher:
        return publisher.publish(_entry(text, name), text, force=force)


def test_a_published_skill_is_there_and_known(folder: Path) -> None:
    assert _publish(folder, "one\n")
    shelf = publish.read(folder)
    assert (folder / "hf_gptj.py").read_text() == "one\n"
    assert shelf.entries == {"gptj": _entry("one\n")}
    assert (shelf.edited, shelf.missing, shelf.unknown) == ([], [], [])
    assert shelf.generated == {"gptj"}


def test_publishing_the_same_again_changes_no_byte_and_no_time(folder: Path) -> None:
    _publish(folder, "one\n")
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.glob("*.*") if path.is_file()}
    assert not _publish(folder, "one\n")
    after = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.glob("*.*") if path.is_file()}
    assert before == after


def test_the_manifest_does_not_depend_on_the_order_of_publication(tmp_path: Path) -> None:
    for place, names in (("one", "abc"), ("two", "cab")):
        for name in names:
            _publish(tmp_path / place, name, name)
    assert (tmp_path / "one/manifest.json").read_bytes() == (tmp_path / "two/manifest.json").read_bytes()


def test_a_generated_skill_gives_way_to_a_newer_one(folder: Path) -> None:
    _publish(folder, "one\n")
    assert _publish(folder, "two\n")
    assert (folder / "hf_gptj.py").read_text() == "two\n"


def test_an_edited_skill_is_kept_until_forced(folder: Path) -> None:
    _publish(folder, "one\n")
    (folder / "hf_gptj.py").write_text("mine\n")
    assert [entry.model_type for entry in publish.read(folder).edited] == ["gptj"]
    with pytest.raises(EditedError, match=r"hf_gptj\.py: .* Run: invoke generate --model gptj --force"):
        _publish(folder, "two\n")
    with pytest.raises(EditedError):
        Rehearsal(folder).publish(_entry("two\n"), "two\n")
    assert (folder / "hf_gptj.py").read_text() == "mine\n"
    assert _publish(folder, "two\n", force=True)
    assert (folder / "hf_gptj.py").read_text() == "two\n"


def test_a_file_that_nobody_generated_is_kept_unless_it_is_what_would_be_written(folder: Path) -> None:
    folder.mkdir()
    (folder / "hf_gptj.py").write_text("mine\n")
    with pytest.raises(EditedError):
        _publish(folder, "two\n")
    assert not _publish(folder, "mine\n")
    assert publish.read(folder).entries == {"gptj": _entry("mine\n")}


def test_an_edit_made_while_the_generator_runs_is_kept(folder: Path) -> None:
    with Publisher(folder) as publisher:
        publisher.publish(_entry("one\n"), "one\n")
        (folder / "hf_gptj.py").write_text("mine\n")
        with pytest.raises(EditedError):
            publisher.publish(_entry("two\n"), "two\n")
    assert (folder / "hf_gptj.py").read_text() == "mine\n"


def test_a_removed_skill_is_gone_from_the_manifest_too_and_an_edited_one_stays(folder: Path) -> None:
    _publish(folder, "one\n")
    _publish(folder, "bert\n", "bert")
    (folder / "hf_bert.py").write_text("mine\n")
    with Publisher(folder) as publisher:
        publisher.remove(_entry("one\n"))
        with pytest.raises(EditedError):
            publisher.remove(_entry("bert\n", "bert"))
    assert [path.name for path in folder.glob("hf_*")] == ["hf_bert.py"]
    assert list(publish.read(folder).entries) == ["bert"]


def test_what_lies_there_besides_is_named_and_left_alone(folder: Path) -> None:
    _publish(folder, "one\n")
    for name in ("notes.txt", "hf_mine.py", "__init__.py"):
        (folder / name).write_text("mine\n")
    _publish(folder, "two\n")
    assert publish.read(folder).unknown == ["hf_mine.py", "notes.txt"]
    assert (folder / "hf_mine.py").read_text() == "mine\n"


def test_a_second_generator_is_refused_while_the_first_writes(folder: Path) -> None:
    with Publisher(folder), pytest.raises(PublishError, match="another generator is writing there"), Publisher(folder):
        pass
    _publish(folder, "one\n")


def test_a_rehearsal_writes_nothing(folder: Path) -> None:
    with Rehearsal(folder) as rehearsal:
        assert rehearsal.publish(_entry("one\n"), "one\n")
    assert not folder.exists()


@pytest.mark.parametrize("name", ["../hf_x", "hf_../x", "x", "hf_X", ""])
def test_a_module_that_would_leave_the_folder_is_never_written(folder: Path, name: str) -> None:
    with Publisher(folder) as publisher, pytest.raises(ValueError, match="does not describe"):
        publisher.publish(dataclasses.replace(_entry("one\n"), module=name), "one\n")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"skills": 1}', b'{"skills": {"gptj": {"colour": 1}}}', b"\xff"])
def test_an_unreadable_manifest_stops_everything_and_is_kept(folder: Path, content: bytes) -> None:
    _publish(folder, "one\n")
    (folder / "manifest.json").write_bytes(content)
    for use in (lambda: publish.read(folder), lambda: _publish(folder, "two\n")):
        with pytest.raises(PublishError, match=r"manifest\.json: cannot be read .* Run: git checkout -- "):
            use()
    assert (folder / "manifest.json").read_bytes() == content
    assert (folder / "hf_gptj.py").read_text() == "one\n"


def test_a_file_where_the_folder_belongs_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "skills").write_text("mine\n")
    with pytest.raises(
        PublishError, match=r"is a file where the folder of skills belongs\. Nothing was generated\. Run: mv "
    ):
        _publish(tmp_path / "skills", "one\n")
    assert (tmp_path / "skills").read_text() == "mine\n"


@pytest.fixture
def bound_by_permissions() -> Iterator[Path]:
    """A folder in a place that everybody may enter, with root's power over permissions laid down."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield Path(place) / "skills"
        finally:
            if root:
                os.seteuid(0)
            for path in Path(place).rglob("*"):
                if path.is_dir():
                    path.chmod(0o700)


@pytest.mark.parametrize("before", [(), ("one\n",)])
def test_a_read_only_folder_is_refused_before_any_work(bound_by_permissions: Path, before: tuple[str, ...]) -> None:
    folder = bound_by_permissions
    folder.mkdir()
    for text in before:
        _publish(folder, text)
    folder.chmod(0o555)
    with pytest.raises(PublishError, match=r"skills: cannot be written \(Permission denied\)\. Nothing was generated"):
        Publisher(folder).__enter__()
    assert [path.read_text() for path in folder.glob("hf_*")] == list(before)
    folder.chmod(0o755)
    _publish(folder, "two\n")


def test_a_folder_that_nobody_may_write_is_refused_to_root_too(folder: Path) -> None:
    _publish(folder, "one\n")
    folder.chmod(0o555)
    try:
        with pytest.raises(PublishError, match=r"cannot be written \(Permission denied\)\. Nothing was generated"):
            Publisher(folder).__enter__()
    finally:
        folder.chmod(0o755)
    _publish(folder, "two\n")


def test_no_room_for_a_skill_leaves_the_one_that_was_there(folder: Path) -> None:
    _publish(folder, "one\n")
    long = "x" * 5000 + "\n"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Publisher(folder) as publisher:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
        try:
            with pytest.raises(
                PublishError, match=r"hf_gptj\.py: cannot be written \(File too large\)\. The skill that"
            ):
                publisher.publish(_entry(long), long)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (folder / "hf_gptj.py").read_text() == "one\n"
    assert publish.read(folder).edited == []
    assert _publish(folder, long)


_KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
import filelock
from generator.publish import Entry, Publisher, digest

left = {count}
def die(event, arguments):
    global left
    if event in ("open", "os.rename", "os.remove", "os.mkdir"):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

folder = Path({folder!r})
sys.addaudithook(die)
with Publisher(folder) as publisher:
    for name in ("a", "b", "c"):
        text = name * 20000
        publisher.publish(Entry(name, "hf_" + name, digest(text.encode()), "t", "5"), text)
"""


def test_a_generator_killed_at_any_moment_leaves_whole_files_and_the_next_one_goes_on(
    root: Path, tmp_path: Path
) -> None:
    whole = {f"hf_{name}.py": {"old", name * 20000} for name in "abc"}
    codes, seen = [], set()
    for count in range(60):
        folder = tmp_path / str(count)
        for name in "abc":
            _publish(folder, "old", name)
        script = _KILLED.format(root=str(root), folder=str(folder), count=count)
        codes.append(subprocess.run([sys.executable, "-c", script], check=False).returncode)
        state = {path.name: path.read_text() for path in folder.glob("hf_*.py")}
        assert state.keys() == whole.keys()
        assert all(text in whole[name] for name, text in state.items())
        json.loads((folder / "manifest.json").read_text())
        assert publish.read(folder).edited == []
        seen.add(sum(text != "old" for text in state.values()))
        for name in "abc":
            _publish(folder, "new", name)
        assert publish.read(folder).edited == []
        assert [path.name for path in (folder / publish.STAGING).iterdir()] == ["lock"]
        if codes[-1] == 0:
            break
    assert set(codes[:-1]) == {-9}
    assert codes[-1] == 0
    assert seen == {0, 1, 2, 3}


def test_a_journal_cut_short_is_read_up_to_there_and_one_broken_inside_is_an_error(folder: Path) -> None:
    _publish(folder, "one\n")
    (folder / "hf_gptj.py").write_text("two\n")
    line = json.dumps(dataclasses.asdict(_entry("two\n")))
    journal = folder / publish.STAGING / "journal.jsonl"
    journal.write_text(f"{line}\n{line[:40]}")
    assert publish.read(folder).entries == {"gptj": _entry("two\n")}
    journal.write_text(f"{line[:40]}\n{line}\n")
    with pytest.raises(PublishError, match=r"line 1 cannot be read\. .* Run: rm "):
        publish.read(folder)


@settings(max_examples=25)
@given(st.text())
def test_any_text_is_published_byte_for_byte(text: str) -> None:
    try:
        content = text.encode()
    except UnicodeEncodeError:
        return
    with tempfile.TemporaryDirectory() as place:
        _publish(Path(place), text)
        assert (Path(place) / "hf_gptj.py").read_bytes() == content
