"""Does every pipeline of transformers that loads the head run with it, and give what the task documents?

The tokenizer and the rest are those that the skill declares; text, images and sound are small and real, and made here.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import itertools
import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from harness import failures, processors
from harness.checks import pipeline_tells as tells
from harness.checks import pipeline_voice
from harness.checks.pipeline_cases import CASES, HEARD, SEEN, Case
from harness.checks.pipeline_forms import UNDECODED, short
from harness.checks.pipeline_samples import CAPTION, SENTENCES, Asked
from harness.checks.protocol import Check, Outcome, passed
from harness.hardware import UnsupportedError
from harness.hardware.torch_device import pinned, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.session import Session
    from harness.skill import Head

__all__ = ["CHECK"]

_DECODERS = (("torchcodec.decoders", "VideoDecoder"), ("torchvision.io", "read_video"))
"""Modules and their readers of videos; torchvision's went with 0.26."""
_SEEDS = 5
"""Weights that are tried until one gives another answer."""


def applicable(head: Head) -> str | None:
    """Some pipeline must load it."""
    return None if _tasks(head) else "no pipeline is for it"


def _tasks(head: Head) -> list[str]:
    """The head's pipelines without those that are not for one of its kind."""
    return [task for task in head.pipelines if task not in CASES or CASES[task].serves(head)]


def run(session: Session) -> Outcome:
    """Every pipeline of the head; the first that fails is the answer, then the first that could not be asked."""
    import torch
    from transformers.pipelines import SUPPORTED_TASKS

    missing: list[str] = []
    asked = 0
    for task in _tasks(session.head):
        session.at("resolve")
        if not _chats(session, task):
            continue
        if task not in SUPPORTED_TASKS:
            missing.append(f"{task}: the installed transformers has no such pipeline")
            continue
        if task not in CASES:
            missing.append(f"{task}: no question is known for it")
            continue
        if (reason := _lacking(session, task)) is not None:
            missing.append(f"{task}: {reason}")
            continue
        if session.runner.model is None:
            raise UnsupportedError(f"{session.hardware.name} runs a compiled model, which no pipeline takes")
        with torch.no_grad(), pinned(session.hardware.device), translated():
            try:
                reason = _ask(session, task)
            except (ImportError, RuntimeError) as error:
                if failures.status(error) != "unavailable":
                    raise
                # A library, or a part of one, that the other pipelines may do without.
                missing.append(f"{task}: {failures.sentence(error)}")
                continue
        if reason == UNDECODED and (
            library := (session.subject.skill.processor or {}).get("processor", {}).get("requires")
        ):
            missing.append(f"{task}: its processor, which decodes, needs {library}, which is not installed here")
            continue
        if reason is not None:
            return Outcome("failed", f"{task}: {reason}", {"pipelines": asked})
        asked += 1
    metrics = {"pipelines": asked}
    session.at("prepare")
    if missing:
        return Outcome("unavailable", "; ".join(missing), metrics)
    return passed(metrics) if asked else Outcome("vacuous", "no pipeline was asked", metrics)


def _chats(session: Session, task: str) -> bool:
    """Whether a head that sees can be asked for a decision: transformers puts that in the template for chats of its
    processor, and a processor that has none, as of models that write captions, cannot be put a question."""
    if task != "decision" or "processor" not in _parts(session, task) or _lacking(session, task) is not None:
        return True
    return processors.build(session.subject.skill, ["processor"])["processor"].chat_template is not None


@dataclass(frozen=True)
class _Question:
    """A pipeline's question to a head, to be put in several turns."""

    case: Case
    parts: Mapping[str, Any]
    """What the pipeline is made with."""
    settings: Mapping[str, Any]
    """What it would read from files of the checkpoint."""
    asked: Asked
    """What is asked first."""
    options: Mapping[str, Any]
    """Keyword arguments of the call."""
    told: Mapping[str, Any]
    """What the processor is told each time."""

    def put(self, session: Session, made: Any, turn: int) -> tuple[Any, Asked]:
        """The answer of one turn, and what was asked."""
        import torch

        asked = dataclasses.replace(self.asked, turn=turn)
        session.at("run")
        torch.manual_seed(session.subject.seed)
        answer = made(*self.case.inputs(asked), **self.options, **_told(made, self.told))
        session.verify(str(next(made.model.parameters()).device))
        session.at("compare")
        return answer, asked


def _ask(session: Session, task: str) -> str | None:
    """What is wrong with what the pipeline gives, in a few words; None if nothing is.

    It is asked until an answer differs from the first where it should: twice, as a rule. Answers of few values, such as the
    few words of a tiny model, may be the same each time; then the model must have given it other numbers, and other weights
    must give another answer.
    """
    question = _question(session, task)
    case = question.case
    made = _made(session, task, question, session.runner.model)
    told: list[Any] = []
    given: list[Any] = []
    for turn in range(len(SENTENCES)):
        with tells.overheard(made.model) as heard:
            answer, asked = question.put(session, made, turn)
        if (reason := _wrong(case, answer, asked)) is not None:
            return reason
        told.append(case.tells(answer, asked))
        given.append(heard)
        if told[-1] != told[0]:
            return None
    if case.outputs_fixed(session.head) or tells.coarse(told[0]):
        follows = any(item != given[0] for item in given)
        if follows and any(_otherwise(session, task, question, answer, seed) for seed in range(1, _SEEDS)):
            return None
    return f"gives the same whatever it is asked: {short(answer)}"


def _otherwise(session: Session, task: str, question: _Question, answer: Any, seed: int) -> bool:
    """Whether the weights of another seed give another answer than this to the last turn."""
    other = session.prepare(session.subject.build(session.subject.seed + seed))
    found, _ = question.put(session, _made(session, task, question, other.model), len(SENTENCES) - 1)
    return tells.everything(found) != tells.everything(answer)


def _question(session: Session, task: str) -> _Question:
    session.at("prepare")
    case = CASES[task]
    declared = session.subject.skill.processor or {}
    parts = processors.build(session.subject.skill, _parts(session, task))
    settings = _settings(task, parts, declared.get("tokenizer", {}))
    if session.head.generation is not None:
        settings |= case.making
    if task == "text-to-audio":
        settings = pipeline_voice.settings(session.head, session.runner.model)
    kinds = {"image": SEEN, "audio": HEARD}
    taken = {kind for kind, starts in kinds.items() if any(name.startswith(starts) for name in session.head.inputs)}
    whole = declared.get("processor", {})
    asked = Asked(parts, frozenset(taken), whole.get("prompt", ""), whole.get("frames", 0))
    options = {**case.options, **(case.generating if session.head.generation is not None else {})}
    if case.tells is tells.words and session.head.generation is not None:
        options = _without_special_words(options, parts)
    options = _as_called(options, session.head)
    if task == "text-to-audio":
        options |= pipeline_voice.options(session.head, session.runner.model, session.subject.seed)
    call = whole.get("call", {}) if case.parts == ("processor",) else {}
    return _Question(case, parts, settings, asked, options, call)


def _as_called(options: dict[str, Any], head: Head) -> dict[str, Any]:
    """The options with what a user tells ``generate()`` where that is all that the head has, but for the form of its
    answer: how much each of its parts writes, by names of its own (Qwen-Omni's)."""
    if head.method != "generate" or "generate_kwargs" not in options:
        return options
    told = {name: value for name, value in head.arguments.items() if not re.search(r"return_dict|output_", name)}
    return {**options, "generate_kwargs": {**options["generate_kwargs"], **told}}


def _told(made: Any, call: Mapping[str, Any]) -> dict[str, Any]:
    """What the processor is told each time, as its pipeline takes it: in 4.57 among its own keyword arguments."""
    taken = inspect.signature(made._sanitize_parameters).parameters  # noqa: SLF001, it says what the call takes
    return {"processor_kwargs": dict(call)} if call and "processor_kwargs" in taken else dict(call)


def _without_special_words(options: dict[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a call that writes, with words alone: a tiny model often repeats a special one that texts leave out."""
    tokenizer = parts["tokenizer"] if "tokenizer" in parts else getattr(parts["processor"], "tokenizer", None)
    if tokenizer is None:
        return options
    # Not the last one, which a config may force; the least number of words keeps it away until then.
    withheld = {*tokenizer.all_special_ids} - {tokenizer.eos_token_id}
    if (
        "processor" in parts
    ):  # nor the letters of the caption, which is the same each time, and the last of which one repeats
        withheld |= {*tokenizer.convert_tokens_to_ids(tokenizer.tokenize(CAPTION))} - {tokenizer.unk_token_id}
    special = {"suppress_tokens": sorted(withheld)}
    if "generate_kwargs" in options:
        return {**options, "generate_kwargs": {**options["generate_kwargs"], **special}}
    return {**options, **special}


def _made(session: Session, task: str, question: _Question, model: Any) -> Any:
    from transformers import pipeline

    session.at("prepare")
    return pipeline(task, model=model, device=session.hardware.device, **question.parts, **question.settings)


def _wrong(case: Case, answer: Any, asked: Asked) -> str | None:
    reason = case.wrong(answer)
    return case.misplaced(answer, asked) if reason is None and case.misplaced is not None else reason


def _parts(session: Session, task: str) -> list[str]:
    """Names of what the pipeline is made with: a decision of a head that sees is put to it in a chat, by its processor."""
    case = CASES[task]
    declared = session.subject.skill.processor or {}
    if task == "decision" and any(name.startswith(SEEN) for name in session.head.inputs):
        return [*case.parts, "processor"]
    if task == "text-to-audio" and "requires" not in declared.get("processor", {"requires": ""}):
        return [*case.parts, "processor"]  # which that pipeline puts before the tokenizer where there is one
    either = [name for name in case.either if "requires" not in declared.get(name, {"requires": ""})]
    if len(either) > 1 and not _decodes():
        either.remove("video_processor")  # the image processor's frames the pipeline decodes by itself
    return [*case.parts, *either]


def _decodes() -> bool:
    """Whether a library is here by which video processors read a file."""
    for module, reader in _DECODERS:
        try:
            if hasattr(importlib.import_module(module), reader):
                return True
        except (ImportError, RuntimeError, OSError):  # the last two of FFmpeg's libraries that it does not find
            continue
    return False


def _settings(task: str, given: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """What the pipeline would read from files of the checkpoint: for a decision how the question is put, in a few words
    since tiny models take short texts, and answers that are one token each."""
    if task != "decision":
        return {}
    from transformers.decision import DecisionConfig

    tokenizer, words = given["tokenizer"], declared["vocabulary"].split(" ")
    special = set(tokenizer.all_special_tokens)
    single = (
        word for word in sorted(words, key=lambda word: (word in special, word)) if tokenizer.tokenize(word) == [word]
    )
    labels = list(itertools.islice((word for word in single if word != tokenizer.unk_token), 2))
    template = "{{ state }} {{ question.instructions }}"
    if "processor" in given:
        image = [{"role": "user", "content": [{"type": "image"}]}]
        mark = given["processor"].apply_chat_template(image, tokenize=False)
        shown = f"{{% if part['type'] == 'image' %}}{mark}{{% else %}}{{{{ part['text'] }}}}{{% endif %}}"
        # A processor leaves it to a template that begins with the first token to write all special ones.
        template = (
            f"{tokenizer.bos_token or ''}{{% for part in state %}}{shown}{{% endfor %}} {{{{ question.instructions }}}}"
        )
    return {"decision_config": DecisionConfig(chat_template=template, labels={"noul": labels})}


def _lacking(session: Session, task: str) -> str | None:
    """Why the pipeline cannot be asked here: a part that the skill does not declare, or one of an absent library."""
    declared = session.subject.skill.processor or {}
    case = CASES[task]
    parts = _parts(session, task)
    if case.either and not set(parts) & set(case.either):
        parts = [*parts, next((name for name in case.either if name in declared), case.either[0])]
    for part in parts:
        name = part.replace("_", " ")
        if part not in declared:
            return f"transformers maps no {name} to it" if part == "processor" else f"the skill declares no {name}"
        if (library := declared[part].get("requires")) is not None:
            return f"its {name} needs {library}, which is not installed here"
    absent = [library for library in case.libraries if find_spec(library) is None]
    if absent:
        return f"transformers' pipeline needs {absent[0]}, which is not installed here"
    if {"image_processor", "processor"} & set(parts) and find_spec("PIL") is None:
        return "images need pillow, which is not installed here"
    return None


CHECK = Check("pipeline", "Do the pipelines that load it give what they document?", "runs", applicable, run)
