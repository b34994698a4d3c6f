"""The worker process: it answers, is cancelled, crashes and restarts, and never takes its server down."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from rung.models.llama import LlamaModel
from rung.models.protocol import ModelUnavailable, Prompt, Sampling, Token

pytestmark = pytest.mark.real

PROMPT = Prompt('def add(a, b):\n    """Return the sum of a and b."""\n    ')
LONG = Sampling(1500, temperature=1.5)


@pytest.fixture
def crashes() -> list[str]:
    return []


@pytest.fixture
async def model(smollm2: Path, crashes: list[str]) -> AsyncIterator[LlamaModel]:
    model = LlamaModel("small", smollm2, context=2048, threads=1, on_crash=crashes.append)
    yield model
    await model.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  the process has no event to wait for
            await asyncio.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def in_flight(model: LlamaModel) -> asyncio.Task[object]:
    """A long generation that has begun."""
    begun = asyncio.Event()

    def on_token(_: int, __: Token) -> None:
        begun.set()

    task: asyncio.Task[object] = asyncio.create_task(model.generate(PROMPT, LONG, on_token))
    await asyncio.wait_for(begun.wait(), 30)
    return task


async def test_tokens_are_told_as_they_come_and_make_up_the_text(model: LlamaModel) -> None:
    heard: list[str] = []
    (generation,) = await model.generate(PROMPT, Sampling(12), lambda _, token: heard.append(token.text))
    assert "".join(heard) == generation.text
    assert generation.text.startswith("return a + b")


async def test_a_worker_killed_in_mid_request_restarts_and_the_user_is_told_once(
    model: LlamaModel, crashes: list[str]
) -> None:
    task = await in_flight(model)
    killed = model.worker_pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match="SIGKILL"):
        await task
    assert len(crashes) == 1
    (generation,) = await model.generate(PROMPT, Sampling(12, stop=("\n",)))
    assert generation.text == "return a + b"
    assert model.worker_pid not in (None, killed)
    assert len(crashes) == 1


async def test_every_waiting_request_hears_of_the_crash(model: LlamaModel, crashes: list[str]) -> None:
    first = await in_flight(model)
    others = [asyncio.create_task(model.generate(PROMPT, Sampling(4))) for _ in range(3)]
    await asyncio.sleep(0)
    assert model.worker_pid is not None
    os.kill(model.worker_pid, signal.SIGKILL)
    results = await asyncio.wait_for(asyncio.gather(first, *others, return_exceptions=True), 20)
    assert all(isinstance(result, ModelUnavailable) for result in results)
    assert len(crashes) == 1


async def test_a_crash_loop_is_left_alone_for_a_while(model: LlamaModel, crashes: list[str]) -> None:
    for count in (1, 2, 3):
        await model.start()
        assert model.worker_pid is not None
        os.kill(model.worker_pid, signal.SIGKILL)
        await until(lambda count=count: len(crashes) == count)  # type: ignore[misc]
    with pytest.raises(ModelUnavailable, match="crashed 3 times"):
        await model.generate(PROMPT, Sampling(4))


async def test_a_cancelled_request_frees_the_worker_for_the_next_at_once(model: LlamaModel) -> None:
    task = await in_flight(model)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (generation,) = await asyncio.wait_for(model.generate(PROMPT, Sampling(4)), 5)
    assert generation.usage.generated == 4


async def test_a_request_cancelled_while_it_waits_is_never_decoded(model: LlamaModel) -> None:
    running = await in_flight(model)
    heard: list[Token] = []
    waiting = asyncio.create_task(model.generate(PROMPT, LONG, lambda _, token: heard.append(token)))
    await asyncio.sleep(0)
    waiting.cancel()
    running.cancel()
    await asyncio.gather(waiting, running, return_exceptions=True)
    await asyncio.wait_for(model.generate(PROMPT, Sampling(2)), 5)
    assert heard == []


async def test_closing_ends_the_process_and_refuses_further_requests(model: LlamaModel) -> None:
    await model.start()
    pid = model.worker_pid
    assert pid is not None
    await model.close()
    assert not is_running(pid)
    with pytest.raises(ModelUnavailable, match="shut down"):
        await model.generate(PROMPT, Sampling(4))


async def test_closing_in_mid_request_answers_it(model: LlamaModel) -> None:
    task = await in_flight(model)
    await model.close()
    with pytest.raises(ModelUnavailable):
        await asyncio.wait_for(task, 5)


async def test_a_missing_checkpoint_is_a_sentence(tmp_path: Path) -> None:
    model = LlamaModel("small", tmp_path / "none.gguf")
    with pytest.raises(ModelUnavailable, match="is not there"):
        await model.generate(PROMPT, Sampling(4))
    await model.close()


async def test_a_damaged_checkpoint_is_a_sentence_and_no_crash(tmp_path: Path, smollm2: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    with smollm2.open("rb") as whole:
        damaged.write_bytes(whole.read(1_000_000))
    crashes: list[str] = []
    model = LlamaModel("small", damaged, on_crash=crashes.append)
    with pytest.raises(ModelUnavailable, match="cannot load"):
        await model.generate(PROMPT, Sampling(4))
    assert crashes == []
    await model.close()


async def test_non_ascii_text_comes_through_whole(model: LlamaModel) -> None:
    heard: list[str] = []
    prompt = Prompt("names = ['日本', '中国', '한국', '日本', '中国', '한국', '日本', '")
    (generation,) = await model.generate(prompt, Sampling(12), lambda _, token: heard.append(token.text))
    assert "\ufffd" not in generation.text[:-1]
    assert generation.text.startswith("".join(heard))
