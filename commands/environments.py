"""What must be installed for skills to run on each hardware, to the exact version: the one table that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points

__all__ = ["ENVIRONMENTS", "HYGIENE", "PINNED", "Environment"]


@dataclass(frozen=True)
class Choice:
    """An option of a session by which one asks for another of its hardware, which has cells of its own."""

    option: str
    """As it is written: ``--device``."""
    part: str
    """The part of the hardware's name that it is: ``device`` after a colon, ``route`` after an ``@``."""
    metavar: str
    """What stands for its value in the help."""
    what: str
    """What it asks for, for the help."""


ATTENTION = Choice("--attention", "route", "NAME", "attend in this way (sdpa), and not as the model is written out")
BACKEND = Choice("--backend", "device", "NAME", "a backend of torch.compile other than inductor: openvino, aot_eager")
DEVICE = Choice("--device", "device", "NAME", "a device of it other than the CPU: GPU, NPU, CUDA")
INDEX = Choice("--device", "device", "N", "the device of this index (default: one for each worker, in turn)")
ROUTE = Choice("--route", "route", "NAME", "only this way of converting")


@dataclass(frozen=True)
class Environment:
    """What must be installed for skills to run on a hardware."""

    hardware: str
    """Name of the hardware, as ``--hardware`` of the harness knows it."""
    packages: tuple[str, ...]
    """Exact requirements; evidence of a run counts only while these are what it ran with."""
    jobs: int | None = None
    """Worker processes at a time; None for one a core."""
    choices: tuple[Choice, ...] = (ATTENTION,)
    """What of it can be chosen."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables on top of those that every skill run gets."""
    package: str | None = None
    """Module of the installed package that brings this hardware; None for the project's own."""
    provided: Mapping[str, str] = field(default_factory=dict)
    """Version by distribution of that package, which is installed from where it came."""
    before: tuple[int, int] | None = None
    """The first minor release of transformers that its packages do not take; None where they take any."""

    @property
    def session(self) -> str:
        """Name of the Nox session that runs it."""
        return f"test_{self.hardware}"

    @property
    def pins(self) -> dict[str, str]:
        """Version by distribution."""
        return {**dict(requirement.split("==") for requirement in self.packages), **self.provided}

    @property
    def release(self) -> str:
        """The release of transformers that it has, unless another is asked for."""
        return self.pins["transformers"]

    def takes(self, release: str) -> bool:
        """Whether its packages take a release of transformers, by their own requirements."""
        minor = re.match(r"(\d+)\.(\d+)", release)
        return self.before is None or (minor is not None and (int(minor[1]), int(minor[2])) < self.before)

    def of(self, release: str) -> Environment:
        """The same with another release of transformers."""
        packages = (
            item if item.partition("==")[0] != "transformers" else f"transformers=={release}" for item in self.packages
        )
        return replace(self, packages=tuple(packages))


LIBRARIES = (
    "transformers==5.23.0",
    "numpy==2.3.5",  # the newest that mistral-common takes
    "safetensors==0.8.0",
    # What single architectures, their processors and pipelines ask for, as far as a plain CPU machine can have it.
    "av==18.1.0",
    "diffusers==0.35.2",  # the newest that goes with the hub client of transformers 4 and of 5
    "librosa==0.11.0",
    "mistral-common==1.13.1",
    "num2words==0.5.14",
    "opencv-python-headless==5.0.0.93",
    "pandas==3.1.1",
    "pillow==13.0.0",
    "scipy==1.17.1",
    "sentencepiece==0.2.3",
    "timm==1.0.31",
    "torchvision==0.28.0",  # beside a CPU build of torch without its compiled operators: see compat/torchvision.py
)

PLAIN = ("torch==2.13.0", *LIBRARIES)
"""What every skill runs with."""

ONNX = ("onnx==1.23.2", "onnxscript==0.7.2")
"""What torch exports to ONNX with."""

OPENVINO = "openvino==2026.4.1"

SILENT = {"CI": "true"}
"""OpenVINO reports to its makers when it is imported, unless it is told so."""

ENVIRONMENTS: dict[str, Environment] = {
    environment.hardware: environment
    for environment in (
        Environment("cpu", PLAIN),
        # One worker: two would share the device's memory, and neither's peak or latency would be its own.
        Environment("cuda", PLAIN, jobs=1, choices=(ATTENTION, INDEX)),
        # Builds of torch that PyPI does not have: PIP_INDEX_URL, or PIP_EXTRA_INDEX_URL, says where they are.
        Environment("rocm", PLAIN, jobs=1, choices=(ATTENTION, INDEX)),
        Environment("xpu", PLAIN, jobs=1, choices=(ATTENTION, INDEX)),
        Environment("mps", PLAIN, jobs=1),
        Environment(
            "openvino",
            (*PLAIN, OPENVINO, *ONNX),
            choices=(DEVICE, ROUTE),
            variables=SILENT,
        ),
        Environment(
            "onnxruntime",
            (*PLAIN, "onnxruntime==1.32.0", *ONNX),
            choices=(DEVICE, ROUTE),
        ),
        Environment(
            "compile",
            (*PLAIN, OPENVINO),
            choices=(BACKEND,),
            # Each worker compiles by itself: a pool of compilers in each would be more processes than cores.
            variables={**SILENT, "TORCHINDUCTOR_COMPILE_THREADS": "1"},
        ),
        Environment("executorch", (*PLAIN, "executorch==1.5.1"), choices=(ROUTE,)),
        Environment(
            "optimum",
            (
                # With transformers 5 this diffusers lacks a class that optimum-intel would then import.
                *(item for item in PLAIN if not item.startswith("diffusers==")),
                "optimum-intel==2.2.0",
                "optimum==2.3.0",
                "huggingface-hub==1.21.0",  # the newest that optimum-intel takes
                "nncf==3.4.0",
                OPENVINO,
                "openvino-tokenizers==2026.4.1.0",
            ),
            choices=(DEVICE,),
            variables=SILENT,
            before=(5, 6),
            # The newest that it takes.
        ).of("5.5.4"),
    )
}
"""Hardware by name: the only place where the versions that skills run with are written down."""


def _third_parties() -> Iterator[Environment]:
    for point in entry_points(group="skillmatrix.hardware"):
        provided = {} if point.dist is None else {point.dist.name: point.dist.version}
        # Whether it has devices and routes its class says, which is asked when one is chosen.
        yield Environment(point.name, PLAIN, choices=(DEVICE, ROUTE), package=point.module, provided=provided)


for _environment in _third_parties():
    ENVIRONMENTS.setdefault(_environment.hardware, _environment)  # a name that is taken stays whose it is

PINNED = ENVIRONMENTS["cpu"].pins["transformers"]
"""The release that the committed skills and reports belong to."""

HYGIENE = {
    "HF_HUB_OFFLINE": "1",  # a skill that would download weights is wrong, and must say so
    "OMP_NUM_THREADS": "1",  # workers share the cores; more threads than cores make every figure noise
    "TOKENIZERS_PARALLELISM": "false",
}
"""Environment variables of every process that runs a skill or a test."""
