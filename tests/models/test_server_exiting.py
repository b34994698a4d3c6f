"""Tokens that leave a pass early, with exits that know what all layers would say: the text is that of all layers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from rung.models.server.asked import Asked
from rung.models.server.exits.exits import Verdict
from rung.models.server.forward import Forward
from rung.models.server.vocabulary import Vocabulary

from .server_made import ARCHITECTURES, ask, started, tokenizer

PROMPT = "def add(a, b):\n    return a"
LENGTH = 40
LAYERS, DEPTH = 4, 2


class Oracle:
    """Knows the text, and the keys and values of all layers for it. A token leaves where `leaves` says so.

    stop_at: the generated token instead of which it says Stop.
    """

    layers = (DEPTH,)

    def __init__(self, model: PreTrainedModel, leaves: Sequence[bool], stop_at: int | None = None) -> None:
        prompt = tokenizer().encode(PROMPT)
        ids = torch.tensor([prompt])
        text = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=LENGTH, do_sample=False, pad_token_id=256
        )
        self.generated = text[0, len(prompt) :].tolist()
        self._states, self._hidden = _read(model, text)
        self._first = len(prompt)
        self._leaves = leaves
        self._stop_at = stop_at

    @property
    def text(self) -> str:
        return tokenizer().decode([token for token in self.generated if token != 256])

    def ask(self, layer: int, hidden: Tensor) -> Verdict:
        places = [self._place(row) for row in hidden]
        token = [self.generated[place + 1] if self._leaves[place] else -1 for place in places]
        stop = [place + 1 == self._stop_at for place in places]
        return Verdict(torch.tensor(token), torch.zeros(len(places)), torch.tensor(stop))

    def states(self, layer: int, hidden: Tensor) -> tuple[Tensor, Tensor]:
        keys, values = self._states
        at = [self._first + self._place(row) for row in hidden]
        return torch.stack([each[at] for each in keys[DEPTH:]]), torch.stack([each[at] for each in values[DEPTH:]])

    def _place(self, row: Tensor) -> int:
        """Which generated token this is the state of, -1 for the prompt's last: the nearest that is known."""
        distance = (self._hidden[self._first - 1 :] - row).abs().amax(dim=1)
        assert float(distance.min()) < 1e-2, "a state that the whole model does not have"
        return int(distance.argmin()) - 1


def _read(model: PreTrainedModel, text: Tensor) -> tuple[tuple[list[Tensor], list[Tensor]], Tensor]:
    """Un-rotated keys and values of each layer, [tokens, heads, size], and the state behind DEPTH layers."""
    layers = model.get_decoder().layers
    keys: list[Tensor] = []
    values: list[Tensor] = []
    hidden: list[Tensor] = []
    hooks = []
    for layer in layers:
        attention = layer.self_attn
        size = attention.head_dim
        of_keys = getattr(attention, "k_norm", attention.k_proj)
        normed = of_keys is not attention.k_proj

        def key(_m: object, _i: object, out: Tensor, size: int = size, normed: bool = normed) -> None:
            whole = out[0] if out.dim() == 4 else out[0].view(out.shape[1], -1, size)
            keys.append(whole.transpose(0, 1) if normed and whole.shape[1] == text.shape[1] else whole)

        def value(_m: object, _i: object, out: Tensor, size: int = size) -> None:
            values.append(out[0].view(out.shape[1], -1, size))

        hooks += [of_keys.register_forward_hook(key), attention.v_proj.register_forward_hook(value)]
    hooks.append(
        layers[DEPTH - 1].register_forward_hook(
            lambda _m, _i, out: hidden.append((out if isinstance(out, Tensor) else out[0]).reshape(text.shape[1], -1))
        )
    )
    with torch.inference_mode():
        model(text, use_cache=False)
    for hook in hooks:
        hook.remove()
    return (keys, values), hidden[0]


@pytest.fixture(params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("every", [1, 2, 3], ids=["every token", "every second", "every third"])
async def test_with_the_right_keys_and_values_leaving_changes_nothing(architecture: str, every: int) -> None:
    oracle = Oracle(ARCHITECTURES[architecture](), [place % every == 0 for place in range(LENGTH)])
    model = ARCHITECTURES[architecture]()
    async with started(Forward(model, oracle), Vocabulary(tokenizer(), model)) as engine:
        answer = await ask(engine, Asked(PROMPT, max_tokens=LENGTH, temperature=0))
        assert answer.text == oracle.text
        assert answer.counted is not None
        assert engine.load.layers + engine.load.skipped == answer.counted.generated * LAYERS
        if every == 1:  # all but the first, which is computed with the prompt
            assert engine.load.skipped == (answer.counted.generated - 1) * (LAYERS - DEPTH)
        assert engine.load.skipped > 0


async def test_those_who_stay_get_what_they_get_alone(architecture: str) -> None:
    """Sampling and drafts never leave; they share passes with one who leaves at every token."""
    oracle = Oracle(ARCHITECTURES[architecture](), [True] * LENGTH)
    model = ARCHITECTURES[architecture]()
    others = [
        Asked(PROMPT + "x", max_tokens=LENGTH, temperature=0.7, seed=3),
        Asked(PROMPT + "y", max_tokens=LENGTH, temperature=0, draft="nothing of it"),
    ]
    async with started(Forward(model, oracle), Vocabulary(tokenizer(), model)) as engine:
        alone = [await ask(engine, asked) for asked in others]
        leaving = Asked(PROMPT, max_tokens=LENGTH, temperature=0)
        first, *rest = await asyncio.gather(*(ask(engine, asked) for asked in [leaving, *others]))
        assert engine.load.skipped > 0
        assert first.text == oracle.text
        assert [answer.text for answer in rest] == [answer.text for answer in alone]


async def test_the_first_token_never_leaves_also_where_the_prompt_is_known(architecture: str) -> None:
    """Then it is one token that is computed, as it is for all samples but the last of several."""
    model = ARCHITECTURES[architecture]()
    oracle = Oracle(ARCHITECTURES[architecture](), [True] * LENGTH, stop_at=0)
    async with started(Forward(model, oracle), Vocabulary(tokenizer(), model)) as engine:
        asked = Asked(PROMPT, max_tokens=1, temperature=0)
        first = await ask(engine, asked)
        again = await ask(engine, asked)
        several = await ask(engine, replace(asked, n=2))
        assert again.counted is not None
        assert again.counted.cached > 0
        assert (engine.load.skipped, engine.load.stopped) == (0, 0)
    assert [first.text, *several.texts.values()] == [again.text] * 3
    assert first.text == tokenizer().decode(oracle.generated[:1])


async def test_stop_ends_a_sample_and_says_so(architecture: str) -> None:
    oracle = Oracle(ARCHITECTURES[architecture](), [False] * LENGTH, stop_at=10)
    model = ARCHITECTURES[architecture]()
    async with started(Forward(model, oracle), Vocabulary(tokenizer(), model)) as engine:
        answer = await ask(engine, Asked(PROMPT, max_tokens=LENGTH, temperature=0))
        assert answer.reasons == {0: "doubt"}
        assert oracle.text.startswith(answer.text)
        assert engine.load.stopped == 1
        assert answer.counted is not None
        assert answer.counted.generated == 10


async def test_what_was_skipped_is_not_kept_for_the_next_prompt(architecture: str) -> None:
    oracle = Oracle(ARCHITECTURES[architecture](), [place >= 5 for place in range(LENGTH)])
    model = ARCHITECTURES[architecture]()
    async with started(Forward(model, oracle), Vocabulary(tokenizer(), model)) as engine:
        answer = await ask(engine, Asked(PROMPT, max_tokens=LENGTH, temperature=0))
        again = await ask(engine, Asked(PROMPT + answer.text + "x", max_tokens=1, temperature=0.5, seed=1))
        assert again.counted is not None
        assert again.counted.cached <= len(tokenizer().encode(PROMPT)) + 6
