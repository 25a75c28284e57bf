"""A skill as a library: real inputs in, named outputs out, checkpoints from a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness import weights
from harness.endpoint import EndpointError
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
        ({"text": "a"}, r"need load\(checkpoint"),
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
    with pytest.raises(EndpointError, match="on a torch device"):
        compiled.generate(inputs={})


def test_what_a_backend_cannot_compile_is_a_sentence() -> None:
    from skills.hf_bark import Bark

    endpoint = Bark().load("openvino@exporter")
    with pytest.raises(EndpointError, match=r"cannot be compiled for these inputs \(exporter: it takes a plain"):
        endpoint(**endpoint.sample())


def test_text_goes_through_the_processor_to_a_compiled_model(checkpoint: Path) -> None:
    compiled, plain = (Bert().load(where, checkpoint=str(checkpoint)) for where in ("openvino@trace", "cpu"))
    assert torch.allclose(compiled(text="a tiny model")["logits"], plain(text="a tiny model")["logits"], atol=1e-5)
