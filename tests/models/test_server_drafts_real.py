"""Real checkpoints of two architectures write the same with a draft, whatever it says, as without one."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from rung.models.server.asked import Asked
from rung.models.server.engine import Engine
from rung.models.server.loading import load_engine

from .server_made import LOADED, ask

pytestmark = [pytest.mark.real, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

TOKENS = 32
PROMPTS = (
    'import os\n\n\ndef python_files(folder):\n    """The paths of all Python files in it."""\n',
    "class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n",
)
GERMAN = "Wir gehen morgen früh in die Stadt und kaufen Äpfel, Brot und Käse für die ganze Woche.\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["smollm2", "gemma3_trimmed"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    checkpoint: Path = request.getfixturevalue(request.param)
    engine = load_engine(replace(LOADED, checkpoint=str(checkpoint), context=1024))
    yield engine
    await engine.close(grace=0)


def drafts(right: str) -> dict[str, str]:
    chance = random.Random(7)
    half = len(right) // 2
    return {
        "right": right,
        "half right": right[:half] + "".join(chance.sample(right[half:], len(right) - half)),
        "right but for one letter": right[:half] + "q" + right[half + 1 :],
        "right behind its beginning": right[half:],
        "random": "".join(chance.choice("abcdefgh()[]:.,\n    ") for _ in range(80)),
        "empty": "",
        "longer than the limit": right * 10,
        "of another language": GERMAN,
    }


@pytest.mark.parametrize("prompt", PROMPTS, ids=["function", "method"])
async def test_a_draft_changes_nothing(engine: Engine, prompt: str) -> None:
    asked = Asked(prompt, max_tokens=TOKENS, temperature=0, top=1)
    without = await ask(engine, asked)
    assert without.text.strip()
    for kind, draft in drafts(without.text).items():
        answer = await ask(engine, replace(asked, draft=draft))
        assert answer.text == without.text, kind
        assert [token.text for token in answer.tokens[0]] == [token.text for token in without.tokens[0]], kind
        assert [token.logprob for token in answer.tokens[0]] == pytest.approx(
            [token.logprob for token in without.tokens[0]], abs=1e-3
        ), kind
        assert answer.reasons == without.reasons, kind


async def test_a_right_draft_is_verified_in_one_pass(engine: Engine) -> None:
    asked = Asked(PROMPTS[0], max_tokens=TOKENS, temperature=0)
    right = (await ask(engine, asked)).text
    before = engine.load.steps
    answer = await ask(engine, replace(asked, draft=right))
    assert answer.counted is not None
    assert answer.counted.accepted >= TOKENS - 2  # the last tokens of a text that was cut off may be others
    assert engine.load.steps - before <= 3


async def test_sampling_with_a_seed_gives_the_same_with_a_draft(engine: Engine) -> None:
    asked = Asked(PROMPTS[1], max_tokens=TOKENS, temperature=0.8, seed=11, n=3)
    without = await ask(engine, asked)
    answer = await ask(engine, replace(asked, draft=without.texts[1]))
    assert answer.texts == without.texts


async def test_others_at_the_same_time_change_nothing(engine: Engine) -> None:
    asked = [Asked(prompt, max_tokens=TOKENS, temperature=0) for prompt in PROMPTS]
    alone = [(await ask(engine, each)).text for each in asked]
    together = await asyncio.gather(*(ask(engine, each) for each in [*asked, replace(asked[0], draft=alone[0])]))
    assert [answer.text for answer in together] == [*alone, alone[0]]
