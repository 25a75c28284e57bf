"""Backends that end, block or fill the process they run in: each is named, and costs no other cell anything."""

from __future__ import annotations

import pytest

from harness import memory
from harness.flight_recorder import Wreck
from tests.harness.conftest import Furnish, rows

FAULTS = {
    "segfaulting": ("ctypes.string_at(0)", "crashed", "the process was ended by SIGSEGV", "Segmentation fault"),
    "leaving": ("os._exit(0)", "crashed", "the process exited with code 0 in the midst of the cell", ""),
    "aborting": (
        "os.write(2, b\"terminate called after throwing an instance of 'std::bad_alloc'\"); os.abort()",
        "out_of_memory",
        "the process was ended by SIGABRT, out of memory",
        "std::bad_alloc",
    ),
    "allocating": (
        # Reserved and never written: the test takes no memory, and yet has no more than its share.
        "import torch; kept = [torch.empty(1 << 30, dtype=torch.uint8) for _ in range(1 << 20)]",
        "out_of_memory",
        "RuntimeError: ",
        "DefaultCPUAllocator",
    ),
    "looping": ("while True: pass", "timed_out", "Timeout (>4.0s) from pytest-timeout.", ""),
    "deaf": (
        # Code that holds the interpreter's lock and hears no signal, as a driver's that waits for its device.
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM}); ctypes.PyDLL(None).sleep(10000)",
        "timed_out",
        "Timeout (>4.0s): it did not return, and its process was ended",
        "Timeout (0:00:04",
    ),
    "talking": (
        "while True: os.write(1, b'and so on ' * 1000)",
        "timed_out",
        "Timeout (>4.0s) from pytest-timeout.",
        "",
    ),
}
"""What ``prepare`` does, the status, how the reason begins, and what the record keeps of what was printed."""

DEVICE = """
class {title}(Cpu):
    name = "{name}"
    def prepare(self, *args, **kwargs):
        {code}

register({title}())
"""


def test_each_fault_is_named_with_its_stage_and_the_rest_is_unharmed(furnish: Furnish) -> None:
    before = "import ctypes, os, signal\nfrom harness.hardware import register\nfrom harness.hardware.cpu import Cpu\n"
    devices = (DEVICE.format(title=name.title(), name=name, code=code) for name, (code, *_) in FAULTS.items())
    project = furnish(before + "".join(devices), "hf_bert.py")
    result = project.runpytest_subprocess(
        *("skills", "-n", "2", "--timeout=4", "--results=runs", "--check=build,forward", "--head=primary"),
        f"--hardware=cpu,{','.join(FAULTS)}",
    )
    assert result.ret == 1
    found = {row["cell"]: row for row in rows(project.path / "runs")}
    assert len(found) == 2 * (len(FAULTS) + 1)
    assert {row["status"] for row in found.values() if row["check"] == "build" or row["hardware"] == "cpu"} == {
        "passed"
    }
    for name, (_, status, reason, printed) in FAULTS.items():
        row = found[f"bert/BertForMaskedLM/{name}/fp32/forward"]
        assert (row["status"], row["stage"]) == (status, "prepare"), row
        assert row["reason"].startswith(reason), row
        assert printed in (row["traceback"] or ""), row
        assert len(row["traceback"] or "") < 20_000
    said = result.stdout.str()
    assert "the process was ended by SIGSEGV" in said
    assert "and so on" not in said


@pytest.mark.parametrize(
    ("printed", "seconds", "code", "starved", "status"),
    [
        ("", 1.0, -11, False, "crashed"),
        ("", 1.0, -9, True, "out_of_memory"),
        ("", 1.0, -9, False, "crashed"),
        ("", 1.0, -11, True, "crashed"),
        ("torch: not enough memory", 1.0, -6, False, "out_of_memory"),
        ("", 6.0, 1, False, "timed_out"),
        ("", 6.0, -11, False, "crashed"),
        ("", 1.0, None, False, "crashed"),
    ],
)
def test_how_a_process_ended_tells_what_ended_it(
    printed: str, seconds: float, code: int | None, starved: bool, status: str
) -> None:
    wreck = Wreck("a/b/c/d/e", "run", seconds, 5.0, printed, code, starved)
    assert wreck.status == status
    assert wreck.reason


def test_the_kernels_count_is_read_and_only_grows() -> None:
    assert memory.ended_by_kernel() <= memory.ended_by_kernel()
