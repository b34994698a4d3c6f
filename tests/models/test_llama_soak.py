"""Many random requests over several connections, with cancellations, kills and restarts.

RUNG_SOAK: how many requests (60, and 300 of a tiny checkpoint, whose requests take milliseconds). RUNG_SOAK_SEED: what
is asked, cancelled and killed (1); the clock is not seeded. 10,000: `RUNG_SOAK=10000 pytest -s -k "soak and tiny"`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rung.models.llama import LlamaModel, Sharing, client
from rung.models.protocol import Generation, ModelError, Priority, Prompt, Sampling, Token

from .llama_folder import own_folder, until, workers
from .reshape_made import byte_pair

REQUESTS = {name: int(os.environ.get("RUNG_SOAK", default)) for name, default in {"smollm2": 60, "tiny": 300}.items()}
SEED = int(os.environ.get("RUNG_SOAK_SEED", "1"))
IN_FLIGHT = 6
CONTEXT = 512
CACHE_MB = 16
ANSWER_S = 120.0
WORKER_GROWTH = 10e6  # more than half of it is what may be parked
SERVER_GROWTH = 4e6
# After the kills, one worker lives on: its memory is compared over this share of the requests.
QUIET_SHARE = 0.4
SHARING = Sharing(linger_s=0.5)

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(120 + max(REQUESTS.values())),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory and processes are read from /proc"),
]

WORDS = ("def ", "return ", "for name in ", "print(", "self.", "'日本'", "😀", "\n", "\n    ", "x = 1\n", "if ", ")")
LENGTHS = (1, 5, 5, 5, 20, 20, 20, 20, 20, 60, 60, 300)  # words; the last fill the context
SAMPLES = (1, 1, 1, 1, 1, 2, 4, 10)
# Continues in one way only, so that rounding in batches of other sizes cannot change it.
PROBE = Prompt("".join(f"name{at} = {at}\n" for at in range(20)) + "name20 = ")


@dataclass(frozen=True, slots=True)
class Plan:
    """cancel: at this many tokens, or (a float) after this many seconds. kill: its worker, once it was asked."""

    server: int
    prompt: Prompt
    sampling: Sampling
    stream: bool
    cancel: int | float | None = None
    kill: bool = False
    probe: bool = False


@dataclass(slots=True)
class Ending:
    """What a request came to: result, error or cancelled; tokens that were told afterwards."""

    came_to: str
    late: int = 0


class Soak:
    """Two servers that share a worker, and one with a worker of its own."""

    def __init__(self, checkpoint: Path, expected: str) -> None:
        def model(sharing: Sharing | None) -> LlamaModel:
            return LlamaModel("small", checkpoint, context=CONTEXT, threads=2, cache_mb=CACHE_MB, sharing=sharing)

        self.servers = [model(SHARING), model(SHARING), model(None)]
        self.endings: list[Ending] = []
        self.seen: set[int] = set()
        self._expected = expected
        self._places = asyncio.Semaphore(IN_FLIGHT)

    async def run(self, plans: list[Plan]) -> None:
        """Raises the first failed assertion."""
        async with asyncio.TaskGroup() as group:
            for plan in plans:
                await self._places.acquire()
                group.create_task(self._one(plan)).add_done_callback(lambda _: self._places.release())

    async def close(self) -> None:
        await asyncio.gather(*(server.close() for server in self.servers))

    def note_workers(self) -> list[int]:
        pids = [pid for server in self.servers if (pid := server.worker_pid) is not None]
        self.seen.update(pids)
        return pids

    async def _one(self, plan: Plan) -> None:
        ending = Ending("nothing")
        self.endings.append(ending)
        ended = False
        told: list[str] = []

        def on_token(_: int, token: Token) -> None:
            ending.late += ended
            told.append(token.text)
            if plan.cancel == len(told):
                asking.cancel()

        server = self.servers[plan.server]
        asking = asyncio.ensure_future(server.generate(plan.prompt, plan.sampling, on_token if plan.stream else None))
        if isinstance(plan.cancel, float):
            asyncio.get_running_loop().call_later(plan.cancel, asking.cancel)
        if plan.kill:
            self._kill(server)
        done, _ = await asyncio.wait({asking}, timeout=ANSWER_S)
        ended = True
        assert done, f"no answer within {ANSWER_S:.0f} s: {plan}"
        self.note_workers()
        ending.came_to = self._came_to(plan, asking, told)

    def _came_to(self, plan: Plan, asking: asyncio.Future[list[Generation]], told: list[str]) -> str:
        if asking.cancelled():
            assert plan.cancel is not None
            return "cancelled"
        error = asking.exception()
        if error is not None:
            assert isinstance(error, ModelError), repr(error)
            assert str(error).endswith(".")
            return "error"
        generations = asking.result()
        assert len(generations) == plan.sampling.n
        for generation in generations:
            assert 0 < generation.usage.generated <= plan.sampling.max_tokens
            assert not any(stop in generation.text for stop in plan.sampling.stop)
        if plan.stream and plan.sampling.n == 1 and not plan.sampling.stop:
            assert "".join(told) == generations[0].text[: len("".join(told))]
        if plan.probe:
            assert generations[0].text == self._expected
        return "result"

    def _kill(self, server: LlamaModel) -> None:
        pid = server.worker_pid
        if pid is not None:
            self.seen.add(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def plans(choose: random.Random, count: int, kill_every: int | None) -> list[Plan]:
    return [_plan(choose, kill=kill_every is not None and at % kill_every == kill_every - 1) for at in range(count)]


def _plan(choose: random.Random, *, kill: bool) -> Plan:
    server, priority = choose.randrange(3), choose.choice(list(Priority))
    if choose.random() < 0.1:
        return Plan(server, PROBE, Sampling(3, priority=priority), stream=False, probe=True, kill=kill)
    text = "".join(choose.choice(WORDS) for _ in range(choose.choice(LENGTHS)))
    sampling = Sampling(
        max_tokens=choose.randint(1, 16),
        temperature=choose.choice((0.0, 0.8)),
        n=choose.choice(SAMPLES),
        stop=choose.choice(((), (), ("\n",), (")", "\n\n"))),
        seed=choose.choice((None, choose.randrange(2**31))),
        priority=priority,
    )
    draft = choose.choice(("", "", "x = 1\nprint(x)\n"))
    stream = choose.random() < 0.7
    plan = Plan(server, Prompt(text, draft=draft), sampling, stream, kill=kill)
    if choose.random() < 0.35:
        moments: list[int | float] = [0.0, *(choose.uniform(0.0, latest) for latest in (0.02, 0.3, 1.0))]
        if stream:
            moments.append(choose.randint(1, sampling.max_tokens * sampling.n))
        return replace(plan, cancel=choose.choice(moments))
    return plan


@pytest.fixture
async def folder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    # A worker that crashes again and again is left alone for a while; here it is killed again and again.
    monkeypatch.setattr(client, "_CRASH_WINDOW_S", 0.0)
    async with own_folder(monkeypatch) as folder:
        yield folder


@pytest.mark.parametrize("name", ["smollm2", "tiny"])
async def test_every_request_ends_once_and_nothing_grows_or_is_left_over(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, folder: Path
) -> None:
    checkpoint = byte_pair(tmp_path / "tiny.gguf") if name == "tiny" else request.getfixturevalue(name)
    choose, requests = random.Random(SEED), REQUESTS[name]
    files = _open_files()
    soak = Soak(checkpoint, await _expected(checkpoint))
    quiet = int(requests * QUIET_SHARE)
    try:
        await soak.run(plans(choose, requests - quiet, kill_every=25))
        await soak.run(plans(choose, quiet // 2, kill_every=None))
        last = plans(choose, quiet - quiet // 2, kill_every=None)
        pids, before, own = soak.note_workers(), _memory_of(soak), _own_memory()
        await soak.run(last)
        assert soak.note_workers() == pids, "a worker ended without being killed"
        growth = {pid: _memory(pid) - bytes_before for pid, bytes_before in before.items()}
        own_growth = _own_memory() - own
        print(f"{len(last)} requests after {requests - len(last)}: workers by process grew by {growth} bytes,")
        print(f"this process by {own_growth}")
        assert max(growth.values()) < WORKER_GROWTH
        assert own_growth < SERVER_GROWTH
    finally:
        await soak.close()
    came_to = Counter(ending.came_to for ending in soak.endings)
    print(f"{dict(came_to)}, {len(soak.seen)} worker processes")
    assert sum(came_to.values()) == requests
    assert set(came_to) <= {"result", "error", "cancelled"}
    assert came_to["result"] > requests / 3
    assert sum(ending.late for ending in soak.endings) == 0
    await until(lambda: workers(folder.parent) == [])
    await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in soak.seen))  # a zombie has a folder there too
    await until(lambda: _open_files() <= files)


async def _expected(checkpoint: Path) -> str:
    """What a fresh worker answers to the probe."""
    model = LlamaModel("fresh", checkpoint, context=CONTEXT, threads=2, cache_mb=16)
    try:
        return (await model.generate(PROBE, Sampling(3)))[0].text
    finally:
        await model.close()


def _memory_of(soak: Soak) -> dict[int, int]:
    return {pid: _memory(pid) for pid in soak.note_workers()}


def _memory(pid: int | str) -> int:
    """Bytes resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _own_memory() -> int:
    gc.collect()
    return _memory("self")


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
