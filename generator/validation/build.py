"""Stage ``build``: the config as stated builds each head as stated, on torch's meta device.

The text is read again from its syntax tree, with nothing of the harness, so that what is built is what the file
says. Builds run in warm worker processes; a text that has passed once is not built again under the same releases.
"""

from __future__ import annotations

import ast
import copy
import inspect
import json
import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from functools import lru_cache
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import cache, configuration, plugins
from generator.quiet import quiet
from generator.validation import structure
from generator.validation.errors import BuildError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from generator.spec import HeadSpec
    from generator.validation.reading import Reading


class Builder:
    """Worker processes that have the frameworks imported, started when the first text needs one.

    Use it as a context manager; leaving it ends the workers.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def check(self, texts: Mapping[str, str]) -> Iterator[tuple[str, BuildError | None]]:
        """Build the skills, given as texts by model type; gives each verdict as soon as it is known."""
        open_texts = {}
        for model_type, text in texts.items():
            if cache.read(_verdict(text)) is not None:
                yield model_type, None
            else:
                open_texts[model_type] = text
        suspects: list[str] = []
        for model_type, message in self._build(open_texts, suspects):
            yield model_type, _settle(model_type, open_texts[model_type], message)
        # A worker that died took its neighbours' verdicts along: alone, each shows whether it was the one.
        for model_type in suspects:
            died: list[str] = []
            for _, message in self._build({model_type: open_texts[model_type]}, died):
                yield model_type, _settle(model_type, open_texts[model_type], message)
            if died:
                yield model_type, BuildError(
                    model_type, "the process that built it died; it may have run out of memory"
                )

    def _build(self, texts: Mapping[str, str], lost: list[str]) -> Iterator[tuple[str, str | None]]:
        if not texts:
            return
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                min(self._workers, len(texts)), mp_context=get_context("spawn"), initializer=_warm_up
            )
        futures: dict[Future[str | None], str] = {
            self._pool.submit(build, text, model_type): model_type for model_type, text in texts.items()
        }
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenExecutor:
                lost.append(futures[future])
        if lost:
            self._close()

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


@quiet()
def build(text: str, model_type: str) -> str | None:
    """What keeps the skill's heads from being built as stated, or None.

    Raises nothing that a model's code raises: its error is the answer.
    """
    import torch
    import transformers

    reading = structure.check(text, ast.parse(text), model_type)
    where = f"transformers {transformers.__version__}"
    for head in reading.heads:
        if head.unsettled is not None:
            continue  # it states nothing that could be built, and passes no check
        try:
            model_class = _class(head.class_name)
            config = _config(reading, head)
            expected = model_class.config_class
            if expected is not None and not isinstance(config, expected) and not _mapped(head, config, model_class):
                return f"{head.class_name} takes a {expected.__name__}, not a {type(config).__name__}"
            try:
                with torch.device("meta"):
                    model = model_class(config)
            except NotImplementedError:  # it computes with numbers while it is made, which meta tensors have not
                model = model_class(config)
            if hasattr(model, "tie_weights"):
                model.tie_weights()  # some releases leave it out on the meta device
        except MissingClassError as error:
            return f"{where} {error}"
        except Exception as error:  # noqa: BLE001  # whatever a model's own code raises is the verdict on the skill
            return f"{where} refuses to build {head.class_name}: {type(error).__name__}: {_sentence(error)}"
        parameters = sum(parameter.numel() for parameter in model.parameters())
        if parameters != head.parameters:
            return f"{head.class_name} has {parameters} parameters, the skill states {head.parameters}"
    return None


def _mapped(head: HeadSpec, config: Any, model_class: Any) -> bool:
    """Whether a mapping hands this type's config to a class that names another's: InternLM3's to Llama's model."""
    from transformers.models.auto import modeling_auto

    for name in head.mappings:
        listed = getattr(modeling_auto, name, {}).get(type(config), ())
        if model_class in (listed if isinstance(listed, tuple) else (listed,)):
            return True
    return False


def _config(reading: Reading, head: HeadSpec) -> Any:
    """The config that the head is built from, as the text states it."""
    config_class = _class(head.config_class or reading.config_class, head.class_name)
    shared = reading.config
    if head.part is not None:
        shared = {name: value for name, value in shared[head.part].items() if name != "model_type"}
    elif head.within is not None:
        shared = {head.within: {"model_type": reading.attributes.get("of", reading.model_type), **shared}}
    return config_class(**_known(config_class, _overlaid(shared, head.config), reading))


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both as one, nested dicts too; copied, since some config classes change what they are given."""
    merged = copy.deepcopy(dict(below))
    for name, value in above.items():
        nested = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _overlaid(merged[name], value) if nested else copy.deepcopy(value)
    return merged


class MissingClassError(Exception):
    """A class that the skill names and the installed release does not have."""


def _class(name: str, head: str | None = None) -> Any:
    """A class of models, or, of a head, one of configs."""
    try:
        return plugins.public_class(name) if head is None else plugins.config_class(name, head)
    except AttributeError as error:
        raise MissingClassError(f"has no class {name}; it was renamed or removed") from error
    except plugins.PluginError as error:
        raise MissingClassError(f"cannot have {name}: {error}") from error
    except (ImportError, RuntimeError) as error:
        raise MissingClassError(f"cannot import {name}: {_sentence(error)}") from error


def _known(config_class: Any, arguments: Mapping[str, Any], reading: Reading) -> Mapping[str, Any]:
    """The arguments, none of which is without effect.

    Config classes keep whatever keyword they are given, so that a misspelt one would go unseen. One counts as known
    if the class declares it, has a property for it, or if the code of one of the heads names it: T5Config declares no
    decoder_start_token_id, and T5's code reads it.
    """
    declared = {
        *configuration.arguments(config_class),
        *configuration.common(),
        *config_class.attribute_map,
        *dir(config_class),
        "model_type",
    }
    doubtful = sorted(set(arguments) - declared)
    if doubtful:
        words = set().union(*(_words(_class(head.class_name)) for head in reading.heads if head.unsettled is None))
        unknown = [name for name in doubtful if name not in words]
        if unknown:
            raise TypeError(f"{config_class.__name__} has no argument {', '.join(unknown)}, and the model reads none")
    return arguments


def _words(model_class: Any) -> set[str]:
    """The names that the code of a model may read from its config; a generative one's also by way of ``generate()``."""
    from transformers import GenerationConfig

    module = inspect.getmodule(model_class)
    words = set(re.findall(r"\w+", inspect.getsource(module or model_class)))
    for source in _handed(module):
        words |= set(re.findall(r"\w+", inspect.getsource(sys.modules[source])))
    generates = getattr(model_class, "can_generate", None)
    return words | set(vars(GenerationConfig())) if generates is not None and generates() else words


def _handed(module: Any) -> set[str]:
    """Names of the modules of other models, and of what turns positions, that a model's module imports from: it hands its
    config on to them (RetriBERT's to BERT)."""
    found = {str(getattr(item, "__module__", "")) for item in vars(module).values()} if module is not None else set()
    names = {
        name for name in found if re.fullmatch(r"transformers\.(models\..+\.modeling_\w+|modeling_rope_utils)", name)
    }
    return names & sys.modules.keys()


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or "no message"


def _warm_up() -> None:
    # The parent answers ctrl-C for all: a worker that dies of it would look like a model that killed it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()


@lru_cache
def releases() -> tuple[str, ...]:
    """Names and installed releases of what a build depends on."""
    return tuple(f"{name} {metadata.version(name)}" for name in ("torch", "transformers"))


def _verdict(text: str) -> Path:
    return cache.directory() / "builds" / cache.key(text, _code(), plugins.fingerprint(), *releases())


@lru_cache
def _code() -> bytes:
    return b"\0".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))


def _settle(model_type: str, text: str, message: str | None) -> BuildError | None:
    """Only a pass is remembered: a failure may be that of a library that is installed a minute later."""
    if message is not None:
        return BuildError(model_type, message)
    cache.write(_verdict(text), json.dumps({"model_type": model_type, "releases": releases()}))
    return None
