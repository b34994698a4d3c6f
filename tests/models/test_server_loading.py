"""What can be served, and what is said of what cannot. Small models with random weights, saved as folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Lfm2Config, Lfm2ForCausalLM, LlamaConfig, LlamaForCausalLM

from rung.models.server import attention, loading
from rung.models.server.asked import Asked
from rung.models.server.checkpoint import LoadFailed, Source, source
from rung.models.server.devices import device_named, dtype_named
from rung.models.server.forward import Forward, Unsupported
from rung.models.server.loading import load_engine

from .server_made import CONTEXT, LOADED, ask, gemma, llama, tokenizer

SMALL = {
    "vocab_size": 260,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": 256,
    "eos_token_id": 256,
    "pad_token_id": 256,
}
OPTIONS = replace(LOADED, dtype="auto")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a model that has a layer type of its own for every second layer."""
    gemma().save_pretrained(tmp_path / "small-gemma")
    tokenizer().save_pretrained(tmp_path / "small-gemma")
    return tmp_path / "small-gemma"


async def test_a_folder_is_served_under_its_name(folder: Path) -> None:
    engine = load_engine(replace(OPTIONS, checkpoint=str(folder)))
    try:
        assert engine.name == "small-gemma"
        assert engine.context == CONTEXT
        assert engine.fim
        answer = await ask(engine, Asked("def f(", max_tokens=4, temperature=0))
        assert answer.counted is not None
    finally:
        await engine.close(grace=0)


@pytest.mark.parametrize(("hub", "order"), [(True, ["loaded"]), (False, ["hashed"])])
def test_exits_are_looked_at_before_a_checkpoint_is_loaded_but_not_before_it_is_fetched(
    hub: bool, order: list[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def loaded(*_: object) -> None:
        done.append("loaded")
        raise LoadFailed("it cannot be fetched")

    def hashed(_: Source) -> str:
        done.append("hashed")
        return "0"

    monkeypatch.setattr(loading, "load", loaded)
    monkeypatch.setattr(Source, "sha256", hashed)
    checkpoint = "owner/name" if hub else str(folder)
    with pytest.raises(LoadFailed):
        load_engine(replace(OPTIONS, checkpoint=checkpoint, exits=tmp_path / "none.exits"))
    assert done == order


async def test_half_precision_writes_too(folder: Path) -> None:
    engine = load_engine(replace(OPTIONS, checkpoint=str(folder), dtype="bfloat16", name="other", context=64))
    try:
        assert (engine.name, engine.context) == ("other", 64)
        answer = await ask(engine, Asked("def f(", max_tokens=4, temperature=0, draft="x"))
        assert answer.counted is not None
        assert answer.counted.generated > 0
    finally:
        await engine.close(grace=0)


def test_a_context_longer_than_the_models_is_refused(folder: Path) -> None:
    with pytest.raises(LoadFailed, match=f"at most {CONTEXT} tokens: lower --context"):
        load_engine(replace(OPTIONS, checkpoint=str(folder), context=CONTEXT + 1))


def test_an_architecture_that_cannot_be_run_so_is_refused_with_what_can_serve_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=260, n_embd=16, n_layer=2, n_head=2, n_positions=64, bos_token_id=256, eos_token_id=256
    )
    GPT2LMHeadModel(config).save_pretrained(tmp_path / "gpt2")
    tokenizer().save_pretrained(tmp_path / "gpt2")
    with pytest.raises(LoadFailed, match=r"rung cannot serve .*vLLM"):
        load_engine(replace(OPTIONS, checkpoint=str(tmp_path / "gpt2")))


def test_layers_with_a_state_of_their_own_are_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer_types = ["conv", "full_attention"]
    Lfm2ForCausalLM(Lfm2Config(**SMALL, layer_types=layer_types)).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    with pytest.raises(LoadFailed, match="no plain attention"):
        load_engine(replace(OPTIONS, checkpoint=str(tmp_path)))


def test_positions_that_hang_on_other_requests_are_refused(tmp_path: Path) -> None:
    rope = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0}
    LlamaForCausalLM(LlamaConfig(**SMALL, rope_parameters=rope)).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    with pytest.raises(LoadFailed, match="requests would change each other"):
        load_engine(replace(OPTIONS, checkpoint=str(tmp_path)))


def test_a_model_whose_logits_come_out_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a neighbour's tokens that are looked at, or of a scale that is not known."""
    model = llama()
    monkeypatch.setattr(attention, "_mask", lambda span, *_: torch.ones(span.count, span.start + span.count).bool())
    with pytest.raises(Unsupported, match="otherwise"):
        Forward(model)


@pytest.mark.parametrize("content", [{}, {"config.json": "{}"}, {"config.json": "no JSON"}])
def test_a_folder_without_a_model_is_refused(tmp_path: Path, content: dict[str, str]) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(LoadFailed, match="could not be loaded"):
        load_engine(replace(OPTIONS, checkpoint=str(tmp_path)))


def test_weights_that_are_cut_off_are_refused(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(LoadFailed, match="could not be loaded"):
        load_engine(replace(OPTIONS, checkpoint=str(folder)))


def test_a_name_that_nothing_has_is_refused_with_one_that_is_near() -> None:
    with pytest.raises(LoadFailed, match="smollm2-135m"):
        source("smollm2-135n")


def test_a_name_of_the_hub_is_left_to_transformers() -> None:
    found = source("owner/model-7b")
    assert (found.path, found.name) == (None, "model-7b")
    assert found.arguments == {"pretrained_model_name_or_path": "owner/model-7b"}


def test_the_hash_of_a_folder_is_that_of_its_weights(tmp_path: Path) -> None:
    for name in ("one", "two"):
        llama().save_pretrained(tmp_path / name)
    (tmp_path / "two" / "README.md").write_text("other")
    one, two = (source(str(tmp_path / name)) for name in ("one", "two"))
    assert one.sha256() == two.sha256()
    weights = tmp_path / "two" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    assert one.sha256() != two.sha256()


def test_a_folder_without_safetensors_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="safetensors"):
        source(str(tmp_path)).sha256()


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "cpu:7", "", "cuda:x"])
def test_a_device_that_is_not_here_is_refused(name: str) -> None:
    with pytest.raises(LoadFailed, match="device"):
        device_named(name)


def test_numbers_are_those_of_the_device_unless_named() -> None:
    assert dtype_named("auto", torch.device("cpu")) is torch.float32
    assert dtype_named("auto", torch.device("cuda")) is torch.bfloat16
    assert dtype_named("float16", torch.device("cpu")) is torch.float16
    with pytest.raises(LoadFailed, match="dtype"):
        dtype_named("int4", torch.device("cpu"))
