"""A skill as a library: real inputs in, named outputs out, checkpoints from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness import weights
from harness.checks.pipeline_samples import picture, sound
from harness.endpoint import EndpointError
from harness.skill import Skill
from skills import hf_t5
from skills.hf_bert import Bert as BertSkill
from skills.hf_encodec import Encodec
from skills.hf_gptj import GPTJ
from skills.hf_llava import Llava
from skills.hf_vit import ViT as ViTSkill
from skills.hf_wav2vec2 import Wav2Vec2
from skills.hf_whisper import Whisper
from tests.harness.architectures.hf_bert import Bert
from tests.harness.architectures.hf_gpt2 import GPT2
from tests.harness.architectures.hf_vit import ViT


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with a tokenizer, as anybody would save it."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("checkpoint")
    weights.build(Bert, Bert.heads[0], seed=7).save_pretrained(folder)
    words = {word: index for index, word in enumerate(["[PAD]", "[UNK]", "[MASK]", "a", "tiny", "model", "runs"])}
    marks = {"unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    tokenizer = Tokenizer(WordLevel(words, marks["unk_token"]))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **marks).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", [list, np.asarray, torch.as_tensor], ids=["lists", "numpy", "tensors"])
def test_lists_arrays_and_tensors_are_the_same_inputs(kind: object) -> None:
    endpoint = Bert().load("cpu")
    ids, mask = [[5, 6, 7], [8, 9, 10]], [[1, 1, 1], [1, 1, 0]]
    outputs = endpoint(input_ids=kind(ids), attention_mask=kind(mask))  # type: ignore[operator]
    assert {name: tuple(tensor.shape) for name, tensor in outputs.items()} == {"logits": (2, 3, 99)}
    reference = weights.build(Bert, Bert.heads[0])(torch.tensor(ids), attention_mask=torch.tensor(mask)).logits
    assert torch.allclose(outputs["logits"], reference.detach(), atol=1e-6)
    assert endpoint.executed_on() == "cpu"


def test_images_of_any_floating_type_are_float32() -> None:
    endpoint = ViT().load()
    pixels = np.zeros((1, 3, 16, 16))
    assert endpoint(pixel_values=pixels)["logits"].dtype is torch.float32
    assert ViT().load(dtype="bf16")(pixel_values=pixels)["logits"].dtype is torch.bfloat16


def test_the_declared_sample_runs_and_a_generative_head_generates() -> None:
    endpoint = GPT2().load()
    sample = endpoint.sample()
    assert endpoint(**sample)["logits"].shape == (2, 12, 99)
    assert endpoint.generate(inputs=sample, max_new_tokens=3, min_new_tokens=3, do_sample=False).shape == (2, 15)
    with pytest.raises(EndpointError, match="no generate"):
        ViT().load().generate(inputs={})


def test_a_checkpoint_brings_its_weights_and_its_tokenizer(checkpoint: Path) -> None:
    endpoint = Bert().load(checkpoint=str(checkpoint))
    outputs = endpoint(text=["a tiny model", "runs"])
    assert outputs["logits"].shape == (2, 3, 99)
    model = weights.build(Bert, Bert.heads[0], seed=7)
    wanted = model(torch.tensor([[3, 4, 5], [6, 0, 0]]), attention_mask=torch.tensor([[1, 1, 1], [1, 0, 0]])).logits
    assert torch.allclose(outputs["logits"], wanted.detach(), atol=1e-5)


def test_a_head_that_the_checkpoint_lacks_is_told_to_be_random(checkpoint: Path) -> None:
    with pytest.warns(UserWarning, match=r"classifier.* are random"):
        Bert().load(head="BertForSequenceClassification", checkpoint=str(checkpoint))


def test_weights_that_could_run_code_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((checkpoint / "config.json").read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(EndpointError, match="safetensors"):
        Bert().load(checkpoint=str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hardware": "gpu"}, "no hardware is called 'gpu'"),
        ({"head": "BertForNothing"}, "bert has no head"),
        ({"dtype": "fp8"}, "no dtype is called 'fp8'"),
        ({"checkpoint": "no/such-repository"}, "no/such-repository cannot be loaded"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_a_sentence(arguments: dict[str, str], words: str) -> None:
    with pytest.raises(EndpointError, match=words):
        Bert().load(**arguments)


def test_a_folder_that_is_no_checkpoint_and_one_of_another_type_are_told_apart(
    checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(EndpointError, match=r"no config\.json"):
        Bert().load(checkpoint=str(tmp_path))
    with pytest.raises(EndpointError, match="is a checkpoint of bert"):
        GPT2().load(checkpoint=str(checkpoint))


def test_a_device_that_is_not_here_is_told() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(EndpointError, match="cuda is unavailable"):
        Bert().load("cuda")


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"inputs_ids": [[1]]}, "It takes input_ids"),
        ({"text": "a"}, "declares nothing that makes inputs of text"),
        ({"input_ids": [[1, 2], [3]]}, "input_ids: it is no tensor"),
        ({"input_ids": "text"}, "input_ids: it is no tensor"),
    ],
)
def test_a_wrong_input_is_told_in_a_sentence(inputs: dict[str, object], words: str) -> None:
    with pytest.raises(EndpointError, match=words):
        Bert().load()(**inputs)


@pytest.mark.parametrize("where", ["openvino@trace", "onnxruntime@torch"])
def test_a_compiled_endpoint_takes_inputs_of_any_shape_and_gives_what_the_cpu_gives(where: str) -> None:
    compiled, plain = Bert().load(where), Bert().load("cpu")
    with pytest.raises(EndpointError, match="when it is first called"):
        compiled.executed_on()
    for ids in ([[5, 6, 7, 8]], [[5, 6, 7], [8, 9, 10]], [[7, 6, 5, 4]]):
        given, wanted = compiled(input_ids=ids), plain(input_ids=ids)
        assert given.keys() == wanted.keys()
        assert torch.allclose(given["logits"], wanted["logits"], atol=1e-5)
    assert compiled.executed_on() == f"{where.partition('@')[0]}:CPU"


def test_a_compiled_endpoint_generates_what_the_cpu_generates() -> None:
    """Greedily and by sampling, by the same loop; what it generated before it does not remember."""
    compiled, plain = GPTJ().load("onnxruntime"), GPTJ().load()
    greedy = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False}
    for text, options in (("a cat", greedy), ("his dog ran", greedy), ("a cat", {**greedy, "do_sample": True})):
        given = {"inputs": {"text": text}, "seed": 3, **options}
        assert torch.equal(compiled.generate(**given), plain.generate(**given))
    assert compiled.executed_on() == "onnxruntime:CPU"


def test_what_a_backend_cannot_compile_is_a_sentence() -> None:
    from skills.hf_bark import Bark

    endpoint = Bark().load("openvino@exporter")
    with pytest.raises(EndpointError, match=r"cannot be compiled for these inputs \(exporter: it takes a plain"):
        endpoint(**endpoint.sample())


# --- what a user has ------------------------------------------------------------------------------------------------


GIVEN: dict[str, tuple[type[Skill], dict[str, Any]]] = {
    "text": (BertSkill, {"text": "hello world"}),
    "texts": (GPTJ, {"text": ["hello world", "a"]}),
    "images": (ViTSkill, {"images": [picture(), picture(1, side=64)]}),
    "sound": (Whisper, {"audio": sound(), "sampling_rate": 16_000}),
    "image and text": (Llava, {"text": "<image> a cat", "images": picture()}),
    "text for a decoder": (hf_t5.T5, {"text": "a cat sat"}),
}
"""A skill, and what its processor makes inputs of."""


@pytest.mark.parametrize(("skill", "given"), GIVEN.values(), ids=GIVEN)
def test_a_tiny_model_takes_what_a_user_has_and_gives_what_it_gives_for_tensors_made_of_it(
    skill: type[Skill], given: dict[str, Any]
) -> None:
    endpoint = skill().load()
    padding = {"padding": True} if isinstance(given.get("text"), list) else {}
    made = endpoint.processor(**given, return_tensors="pt", **padding)
    tensors = {name: value for name, value in made.items() if name in endpoint.inputs}
    if "decoder_input_ids" in endpoint.head.inputs:
        tensors["decoder_input_ids"] = [[endpoint.skill.decoder_start_token_id]]  # type: ignore[attr-defined]
    outputs, wanted = endpoint(**given), endpoint(**tensors)
    assert outputs.keys() == wanted.keys()
    assert all(torch.equal(outputs[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("text", "onnxruntime@torch"),
        ("images", "openvino@trace"),
        ("image and text", "onnxruntime"),
        ("sound", "onnxruntime@torch"),
    ],
)
def test_compiled_endpoints_give_for_it_what_the_cpu_gives(name: str, where: str) -> None:
    skill, given = GIVEN[name]
    compiled, plain = skill().load(where)(**given), skill().load()(**given)
    assert compiled.keys() == plain.keys()
    for output, wanted in plain.items():
        assert torch.allclose(compiled[output], wanted, atol=1e-4, rtol=1e-4), output


def test_texts_of_several_lengths_are_padded_before_what_is_continued_and_behind_what_is_read() -> None:
    endpoint = GPTJ().load()
    options = {"max_new_tokens": 3, "min_new_tokens": 3, "do_sample": False}
    alone = endpoint.generate(inputs={"text": "a"}, **options)
    both = endpoint.generate(inputs={"text": ["hello world", "a"]}, **options)
    assert torch.equal(both[1, -3:], alone[0, -3:])
    read = endpoint(text=["hello world", "a"])["logits"]
    assert torch.allclose(read[1, :1], endpoint(text="a")["logits"][0, :1], atol=1e-6)


def test_sounds_of_several_lengths_are_padded() -> None:
    sounds = [sound(), sound(1)[:4000]]
    assert Wav2Vec2().load()(audio=sounds, sampling_rate=16_000)["logits"].shape[0] == 2


def test_what_makes_inputs_of_nothing_says_why() -> None:
    assert Encodec().load().processor is None
    with pytest.raises(EndpointError, match="Nothing makes inputs of audio here: its skill declares nothing"):
        Encodec().load()(audio=sound())


@pytest.mark.parametrize(
    ("skill", "inputs", "words"),
    [
        (BertSkill, {"text": 5}, "Tokenizer does not take it: .*text input must be"),
        (ViTSkill, {"images": "no-such.png"}, "ImageProcessor does not take it"),
        (ViTSkill, {"image": picture()}, "It takes images"),
        (ViTSkill, {"text": "a"}, "it takes no 'text'"),
        (BertSkill, {"text": "hello world " * 20}, "does not run with inputs of these sizes .*input_ids 1x202"),
    ],
)
def test_what_no_input_can_be_made_of_is_told_in_a_sentence(
    skill: type[Skill], inputs: dict[str, Any], words: str
) -> None:
    with pytest.raises(EndpointError, match=words):
        skill().load()(**inputs)


def test_text_goes_through_the_processor_to_a_compiled_model(checkpoint: Path) -> None:
    compiled, plain = (Bert().load(where, checkpoint=str(checkpoint)) for where in ("openvino@trace", "cpu"))
    assert torch.allclose(compiled(text="a tiny model")["logits"], plain(text="a tiny model")["logits"], atol=1e-5)
