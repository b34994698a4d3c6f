"""Exits that are trained for small models with random weights: what is written is what the engine is told."""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel

from rung.models.reshape.errors import ReshapeFailed
from rung.models.server.exits.exits import Exits, ExitsRefused, load
from rung.models.server.exits.modules import decoder_of, head_of
from rung.models.server.exits.parts import normed
from rung.models.server.exits.training import Wanted, train
from rung.models.server.exits.tuning import Tuned
from rung.models.server.exits.watching import shape_of, watched

_made = runpy.run_path(str(Path(__file__).with_name("server_made.py")))
SHA = "a" * 64
CODE = "def add(a, b):\n    return a + b\n\n\nclass Thing:\n    name = 'x'\n" * 12
CPU = torch.device("cpu")


class _Quiet:
    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []

    def advance(self, stage: str, done: int, total: int) -> None:
        self.stages.append((stage, done, total))


@dataclass(frozen=True)
class Trained:
    model: PreTrainedModel
    file: Path
    tuned: Tuned
    stages: list[tuple[str, int, int]]

    def exits(self) -> Exits:
        exits = load(self.file, SHA, CPU, torch.float32)
        exits.attach(self.model)
        return exits


def _model(name: str) -> PreTrainedModel:
    """Without the cap on logits that the small Gemma has, and no real one of its kind."""
    model = _made[name]()
    model.config.final_logit_softcapping = None
    return model


def _train(model: PreTrainedModel, folder: Path, out: Path, loss: float = 0.5) -> tuple[Tuned, _Quiet]:
    folder.mkdir(exist_ok=True)
    (folder / "code.py").write_text(CODE, encoding="utf-8")
    (folder / "more.py").write_text(CODE.replace("Thing", "Other"), encoding="utf-8")
    quiet = _Quiet()
    return train(model, _made["tokenizer"](), SHA, [folder], out, Wanted(loss, 1500, 0), quiet).tuned, quiet


@pytest.fixture(scope="module", params=["llama", "qwen", "gemma"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("exits")
    model = _model(request.param)
    tuned, quiet = _train(model, folder / "tree", folder / "made.exits")
    return Trained(model, folder / "made.exits", tuned, quiet.stages)


def _hidden(model: PreTrainedModel, layer: int) -> torch.Tensor:
    with torch.inference_mode(), watched(model, [layer], []) as seen:
        decoder_of(model)(input_ids=torch.arange(40, 80)[None], use_cache=False)
    return seen.hidden[layer][1:]


def test_the_last_question_is_behind_all_layers_and_the_thresholds_are_those_that_were_chosen(trained: Trained) -> None:
    exits = trained.exits()
    assert exits.layers[-1] == shape_of(trained.model).layers
    assert exits.about.exits == trained.tuned.exits
    assert exits.about.stop_from == trained.tuned.stop_from


def test_who_waits_sees_reading_and_training_come_to_their_ends(trained: Trained) -> None:
    for stage in ("reading", "training", "thresholds"):
        mine = [(done, total) for each, done, total in trained.stages if each == stage]
        assert mine == sorted(mine)
        assert mine[-1][0] == mine[-1][1]


def test_behind_all_layers_the_guess_is_the_models_own_token_nearly_always(trained: Trained) -> None:
    exits = trained.exits()
    last = exits.layers[-1]
    hidden = _hidden(trained.model, last)
    logits = decoder_of(trained.model).norm(hidden) @ head_of(trained.model).T
    guess = exits.guess(last, hidden)
    # there are as many candidates as tokens but four: the sketch cannot miss many
    assert (guess.token == logits.argmax(dim=-1)).float().mean() > 0.9


def test_a_verdict_gives_a_token_with_its_probability_or_none(trained: Trained) -> None:
    exits = trained.exits()
    for layer in exits.layers:
        hidden = _hidden(trained.model, layer)
        verdict, guess = exits.ask(layer, hidden), exits.guess(layer, hidden)
        gone = verdict.token >= 0
        assert torch.equal(verdict.token[gone], guess.token[gone])
        torch.testing.assert_close(verdict.logprob[gone], guess.logprob[gone])
        assert (verdict.logprob[~gone] == 0).all()
        assert not (verdict.stop & gone).any()


def test_nothing_is_stopped_without_stop(trained: Trained) -> None:
    exits = trained.exits()
    always = Exits(exits.about.model_copy(update={"stop_from": 0.0}), exits._early, exits._sketch, exits._doubt)
    always.attach(trained.model)
    never = always.without_stop()
    never.attach(trained.model)
    hidden = _hidden(trained.model, exits.layers[-1])
    assert always.ask(exits.layers[-1], hidden).stop.all()
    assert not never.ask(exits.layers[-1], hidden).stop.any()


def test_fitted_states_have_the_form_that_the_model_keeps_and_come_nearer_than_their_mean(tmp_path: Path) -> None:
    model = _model("qwen")
    _train(model, tmp_path / "tree", tmp_path / "made.exits")
    exits = load(tmp_path / "made.exits", SHA, CPU, torch.float32)
    tokens = torch.tensor([list(CODE.encode())[:200]])
    for layer in exits.layers[:-1]:
        skipped = range(layer, exits.about.layers)
        with torch.inference_mode(), watched(model, [layer], skipped) as seen:
            decoder_of(model)(input_ids=tokens, use_cache=False)
        keys, values = exits.states(layer, seen.hidden[layer][1:])
        for number, index in enumerate(skipped):
            for found, real in ((keys, seen.keys), (values, seen.values)):
                expected = real[index][1:]
                assert found[number].shape == expected.shape
                assert (found[number] - expected).square().mean() < expected.var(dim=0).mean()


def test_the_same_seed_makes_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "other"):
        _train(_model("llama"), tmp_path / "tree", tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_smaller_loss_that_is_allowed_loses_less(tmp_path: Path) -> None:
    tuned, _ = _train(_model("llama"), tmp_path / "tree", tmp_path / "made", loss=0.0)
    assert tuned.lost == 0
    assert tuned.spoilt == 0


@pytest.mark.parametrize("name", ["gpt2", "capped"])
def test_another_architecture_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    other = GPT2LMHeadModel(GPT2Config(n_layer=2, n_embd=16, n_head=2, vocab_size=260)).eval()
    capped = _made["gemma"]()
    capped.config.final_logit_softcapping = 1.0
    model = other if name == "gpt2" else capped
    with pytest.raises(ExitsRefused, match="Llama, Qwen or Gemma 3"):
        _train(model, tmp_path / "tree", tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_too_little_source_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "code.py").write_text(CODE, encoding="utf-8")
    wanted = Wanted(0.01, 1_000_000, 0)
    with pytest.raises(ExitsRefused, match="name more, or lower --tokens"):
        train(_model("llama"), _made["tokenizer"](), SHA, [tmp_path / "tree"], tmp_path / "made", wanted, _Quiet())


def test_a_folder_without_source_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReshapeFailed, match="no source file"):
        train(_model("llama"), _made["tokenizer"](), SHA, [tmp_path], tmp_path / "made", Wanted(0.01, 100, 0), _Quiet())


def test_exits_of_another_model_are_refused(trained: Trained) -> None:
    with pytest.raises(ExitsRefused, match="another model"):
        load(trained.file, "b" * 64, CPU, torch.float32)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_cut_off_file_is_refused(trained: Trained, tmp_path: Path, data: st.DataObject) -> None:
    whole = trained.file.read_bytes()
    short = tmp_path / "short"
    short.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(ExitsRefused):
        load(short, SHA, CPU, torch.float32)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_head_of_a_file_is_refused_or_changes_nothing_but_numbers(
    trained: Trained, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(trained.file.read_bytes())
    content[data.draw(st.integers(0, 1500))] ^= data.draw(st.integers(1, 255))
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content)
    try:
        exits = load(damaged, SHA, CPU, torch.float32)
    except ExitsRefused:
        return
    assert exits.about.model_copy(update={"exits": (), "stop_from": 0.0, "loss": 0.0}).layers == 4


@pytest.mark.parametrize("what", ["missing", "form", "number", "token", "format", "text"])
def test_what_does_not_fit_together_is_refused(what: str, trained: Trained, tmp_path: Path) -> None:
    tensors: dict[str, Any] = load_file(trained.file)
    with safe_open(trained.file, framework="pt") as file:
        about = file.metadata()["rung-exits"]
    metadata = {"rung-exits": about}
    if what == "missing":
        del tensors["sketch.mean"]
    elif what == "form":
        tensors["sketch.mean"] = tensors["sketch.mean"][:-1].clone()
    elif what == "number":
        tensors["sketch.mean"][0] = float("nan")
    elif what == "token":
        tensors["tokens"][0] = 10_000
    elif what == "format":
        metadata = {"rung-exits": about.replace('"format":1', '"format":2')}
    else:
        metadata = {"of": "somebody else"}
    save_file(tensors, tmp_path / "odd", metadata)
    with pytest.raises(ExitsRefused):
        load(tmp_path / "odd", SHA, CPU, torch.float32)


def test_a_state_that_was_normed_is_normed(trained: Trained) -> None:
    hidden = _hidden(trained.model, 2)
    torch.testing.assert_close(normed(normed(hidden)), normed(hidden), rtol=1e-3, atol=1e-4)
