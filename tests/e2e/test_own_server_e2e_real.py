"""A ladder whose large rung is rung's own server: the small rung's text is verified there, the rest is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from rung.cascade.bench.open_gate import OpenGate
from rung.cascade.climb import climb
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.task import Rejected, Task, TaskKind
from rung.lsp.large_server import own_server
from rung.models.http import HttpModel, Timeouts
from rung.models.llama import LlamaModel
from rung.models.price import Price
from rung.models.protocol import FinishReason, Prompt, Sampling

pytestmark = [pytest.mark.real, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

CONTEXT = 1024
PREFIX = "import os\n\n\ndef python_files(folder):\n    names = os.listdir(folder)\n    return [name for name in "
GREEDY = Sampling(24, stop=("\n\n",))


@dataclass(frozen=True)
class Two:
    small: LlamaModel
    large: HttpModel


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(smollm2: Path) -> AsyncIterator[Two]:
    """The same checkpoint twice: in llama.cpp, and behind rung's server."""
    async with own_server(smollm2, "large", context=CONTEXT, threads=2) as url:
        patient = Timeouts(first_token=60, whole=120)
        two = Two(LlamaModel("small", smollm2, context=CONTEXT), HttpModel("large", url, "large", timeouts=patient))
        yield two
        await two.small.close()
        await two.large.close()


async def test_a_draft_is_accepted_and_the_text_stays_the_same(two: Two) -> None:
    (without,) = await two.large.generate(Prompt(PREFIX), GREEDY)
    (drafted,) = await two.large.generate(Prompt(PREFIX, draft=without.text), GREEDY)
    assert without.text.strip()
    assert drafted.text == without.text
    assert [token.text for token in drafted.tokens] == [token.text for token in without.tokens]
    assert without.usage.accepted_draft == 0
    assert drafted.usage.accepted_draft > 0
    assert drafted.usage.generated == without.usage.generated


async def test_samples_of_one_prompt_are_one_call(two: Two) -> None:
    samples = await two.large.generate(Prompt(PREFIX), Sampling(8, temperature=0.8, n=3, seed=4))
    assert len(samples) == 3
    assert all(sample.finish_reason in (FinishReason.LENGTH, FinishReason.STOP) for sample in samples)
    assert samples[0].usage.prompt > 0
    assert samples[1].usage.prompt == 0


async def test_what_the_small_rung_wrote_is_the_large_ones_draft(two: Two) -> None:
    """Rejected, and climbed again with it (MCCom)."""
    ladder = Ladder(
        (
            Rung("small", two.small, context=CONTEXT),
            Rung("large", two.large, remote=True, price=Price(1.0, 1.0), context=CONTEXT),
        ),
        dict.fromkeys(TaskKind, 0.0),
    )
    task = Task(TaskKind.LINE, PREFIX, "")
    first = await climb(task, ladder, OpenGate(), None, deadline_s=120)
    assert first.answer is not None
    assert first.answer.rung == "small"
    rejected = Rejected("small", first.answer.text, first.answer.score or 0.0)
    second = await climb(Task(TaskKind.LINE, PREFIX, "", rejected=rejected), ladder, OpenGate(), None, deadline_s=120)
    step = second.steps[-1]
    assert step.rung == "large"
    assert step.usage.accepted_draft + step.usage.rejected_draft > 0
    assert step.usage.counted
