"""One worker for all servers of a user: found, started once, kept while needed, and told of when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from filelock import FileLock

from rung.models.llama import LlamaModel, Sharing, running_workers
from rung.models.protocol import ModelUnavailable, Prompt, Sampling

from .llama_folder import Raw, own_folder, until, workers
from .llama_peer import LONG, PROMPT, peers, shared

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="processes are looked for in /proc"),
]


@pytest.fixture
async def folder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    async with own_folder(monkeypatch) as folder:
        yield folder


async def test_servers_that_start_at_the_same_moment_share_one_worker(smollm2: Path, folder: Path) -> None:
    async with peers(smollm2, 4) as servers:
        pids = {(await server.heard())["pid"] for server in servers}
        assert pids == set(workers(folder))
        assert len(pids) == 1
        (worker,) = await asyncio.to_thread(running_workers)
        assert worker.pid in pids
        assert worker.connections == 4
        assert worker.checkpoint == smollm2
        assert worker.memory is not None
        assert 50e6 < worker.memory < 1e9


async def test_the_death_of_the_server_that_started_it_cancels_its_requests_and_nothing_else(
    smollm2: Path, folder: Path
) -> None:
    async with peers(smollm2, 1) as (first,):
        pid = (await first.heard())["pid"]
        model = shared(smollm2)
        await model.start()
        assert model.worker_pid == pid
        for _ in range(3):
            first.tell("begin")
        assert (await first.heard())["begun"]
        assert (await model.status())["running"] == 3
        await first.kill()
        async with asyncio.timeout(10):
            while (await model.status())["running"]:
                pass
        (generation,) = await model.generate(PROMPT, Sampling(4))
        assert generation.usage.generated == 4
        assert model.worker_pid == pid
        assert os.getsid(pid) == pid  # no terminal takes it with it
        await model.close()


async def test_a_killed_worker_is_told_once_to_each_server_and_all_find_the_next(smollm2: Path, folder: Path) -> None:
    async with peers(smollm2, 2) as servers:
        killed = {(await server.heard())["pid"] for server in servers}.pop()
        for server in servers:
            server.tell("wait")
            server.tell("wait")
        async with asyncio.timeout(10):
            while (await asyncio.to_thread(running_workers))[0].running < 4:
                pass
        os.kill(killed, signal.SIGKILL)
        for server in servers:
            heard = [await server.heard() for _ in range(3)]
            assert sorted(key for message in heard for key in message if key != "kind") == ["crash", "error", "error"]
            assert {message.get("crash") or message["error"] for message in heard} == {
                "The local model small was killed, by hand or because memory ran out. "
                "It restarts with the next request."
            }
            assert {message["kind"] for message in heard if "kind" in message} == {"ModelUnavailable"}
        for server in servers:
            server.tell("ask")
        again = [await server.heard() for server in servers]
        assert [message["done"] for message in again] == [4, 4]
        assert {message["pid"] for message in again} == set(workers(folder)) != {killed}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGSEGV, "was ended by SIGSEGV; this llama.cpp may be built for another processor"),
        (signal.SIGILL, "was ended by SIGILL; this llama.cpp may be built for another processor"),
        (signal.SIGABRT, "was ended by SIGABRT. It restarts"),
    ],
)
async def test_a_server_that_is_not_the_parent_is_told_the_fatal_signal_too(
    smollm2: Path, folder: Path, number: signal.Signals, said: str
) -> None:
    async with peers(smollm2, 1) as (parent,):
        pid = (await parent.heard())["pid"]
        crashes: list[str] = []
        model = shared(smollm2, on_crash=crashes.append)
        await model.start()
        os.kill(pid, number)
        assert said in (await parent.heard())["crash"]
        await until(lambda: len(crashes) == 1)
        assert said in crashes[0]
        await model.close()


async def test_a_worker_killed_while_it_loads_is_an_error_and_no_wait(smollm2: Path, folder: Path) -> None:
    crashes: list[str] = []
    model = shared(smollm2, on_crash=crashes.append)
    starting = asyncio.create_task(model.start())
    await until(lambda: len(workers(folder)) == 1)
    os.kill(workers(folder)[0], signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match="was killed"):
        await asyncio.wait_for(starting, 10)
    assert len(crashes) == 1
    await model.start()
    await model.close()


async def test_a_damaged_checkpoint_is_told_to_all_that_wait_and_is_no_crash(
    tmp_path: Path, smollm2: Path, folder: Path
) -> None:
    damaged = tmp_path / "damaged.gguf"
    with smollm2.open("rb") as whole:
        damaged.write_bytes(whole.read(1_000_000))
    crashes: list[str] = []
    models = [shared(damaged, on_crash=crashes.append) for _ in range(3)]
    results = await asyncio.gather(*(model.start() for model in models), return_exceptions=True)
    assert all(isinstance(result, ModelUnavailable) and "cannot load" in str(result) for result in results)
    assert crashes == []
    for model in models:
        await model.close()
    assert suffixes(folder) == {".lock"}


async def test_one_server_that_leaves_takes_nothing_from_the_others(smollm2: Path, folder: Path) -> None:
    one, other = shared(smollm2), shared(smollm2)
    await asyncio.gather(one.start(), other.start())
    pid = one.worker_pid
    running = asyncio.create_task(other.generate(PROMPT, Sampling(40)))
    await one.close()
    (generation,) = await running
    assert generation.usage.generated == 40
    assert workers(folder) == [pid]
    await other.close()


async def test_it_ends_some_time_after_the_last_server_left_and_leaves_no_zombie(smollm2: Path, folder: Path) -> None:
    model = shared(smollm2, linger_s=0.1)
    await model.start()
    pid = model.worker_pid
    await model.close()
    await until(lambda: not Path(f"/proc/{pid}").exists())  # a zombie would still have its folder there
    assert suffixes(folder) == {".lock"}


async def test_a_server_that_comes_back_soon_finds_the_worker_as_it_was(smollm2: Path, folder: Path) -> None:
    first = shared(smollm2, linger_s=5)
    await first.generate(PROMPT, Sampling(4))
    pid = first.worker_pid
    await first.close()
    second = shared(smollm2)
    (generation,) = await second.generate(PROMPT, Sampling(4))
    assert second.worker_pid == pid
    assert generation.usage.cached == generation.usage.prompt - 1
    await second.close()
    os.kill(pid or 0, signal.SIGTERM)  # its starter's linger counts


async def test_whoever_connects_in_the_moment_of_its_end_is_served(smollm2: Path, folder: Path) -> None:
    model = shared(smollm2, linger_s=0.05)
    await model.start()
    pid = model.worker_pid
    with lock_in(folder) as lock:
        # Long idle, it may not end while somebody connects. That one waits to be accepted when the lock is free.
        await model.close()
        idle = time.monotonic()
        await until(lambda: time.monotonic() - idle > 0.3)
        assert workers(folder) == [pid]
        raw = await asyncio.to_thread(Raw, Path(lock.lock_file).with_suffix(".sock"))
    with raw:
        assert "ready" in await asyncio.to_thread(raw.hear)
        raw.socket.sendall(b'{"status": 1}\n')
        status = await asyncio.to_thread(raw.hear)
        assert status["pid"] == pid


async def test_servers_that_come_and_go_around_its_end_always_get_a_working_worker(smollm2: Path, folder: Path) -> None:
    pids = set()
    for _ in range(6):
        model = shared(smollm2, linger_s=0.02)
        (generation,) = await model.generate(PROMPT, Sampling(2))
        assert generation.usage.generated == 2
        pids.add(model.worker_pid)
        await model.close()
        left = time.monotonic()
        await until(lambda left=left: time.monotonic() - left > 0.02)  # type: ignore[misc]
    assert None not in pids


async def test_connected_but_not_asked_it_rests_and_the_next_request_wakes_another(smollm2: Path, folder: Path) -> None:
    crashes: list[str] = []
    model = shared(smollm2, rest_s=0.3, on_crash=crashes.append)
    await model.generate(PROMPT, Sampling(2))
    first = model.worker_pid
    await until(lambda: model.worker_pid is None)
    assert not workers(folder)
    (generation,) = await model.generate(PROMPT, Sampling(2))
    assert generation.usage.generated == 2
    assert model.worker_pid not in (None, first)
    assert crashes == []
    await model.close()


async def test_a_request_that_was_on_its_way_when_it_went_to_rest_is_answered(smollm2: Path, folder: Path) -> None:
    crashes: list[str] = []
    model = shared(smollm2, rest_s=0.3, on_crash=crashes.append)
    await model.start()
    first = model.worker_pid
    while workers(folder):  # the event loop stands still: the model cannot know that the worker is gone
        time.sleep(0.01)  # noqa: ASYNC251
    assert model.worker_pid == first
    (generation,) = await model.generate(PROMPT, Sampling(2))
    assert generation.usage.generated == 2
    assert crashes == []
    await model.close()


async def test_a_worker_that_stands_still_keeps_no_server_from_ending(smollm2: Path, folder: Path) -> None:
    model = shared(smollm2)
    await model.start()
    pid = model.worker_pid or 0
    os.kill(pid, signal.SIGSTOP)
    try:
        asked = asyncio.create_task(model.generate(Prompt("x" * 4_000_000), Sampling(4)))  # more than a socket takes
        await asyncio.sleep(0)
        await asyncio.wait_for(model.close(), 10)
        with pytest.raises(ModelUnavailable):
            await asked
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_what_is_running_keeps_it_from_resting(smollm2: Path, folder: Path) -> None:
    model = shared(smollm2, rest_s=0.05)
    task = asyncio.create_task(model.generate(PROMPT, Sampling(60)))
    (generation,) = await task
    assert generation.usage.generated == 60
    await model.close()


async def test_a_cancelled_request_is_cancelled_there_at_once(smollm2: Path, folder: Path) -> None:
    model = shared(smollm2)
    begun = asyncio.Event()
    task = asyncio.create_task(model.generate(PROMPT, LONG, lambda *_: begun.set()))
    await asyncio.wait_for(begun.wait(), 30)
    task.cancel()
    async with asyncio.timeout(1):
        while (await model.status())["running"]:
            pass
    await model.close()


async def test_warming_reads_the_prompt_ahead_and_never_fails(smollm2: Path, folder: Path, tmp_path: Path) -> None:
    model = shared(smollm2)
    await model.warm(PROMPT, Sampling(16))
    (generation,) = await model.generate(PROMPT, Sampling(2))
    assert generation.usage.cached == generation.usage.prompt - 1
    await model.close()
    await model.warm(PROMPT, Sampling(16))  # closed
    await LlamaModel("small", tmp_path / "none.gguf", sharing=Sharing()).warm(PROMPT, Sampling(16))


async def test_two_hundred_connections_leave_no_file_and_no_thread(smollm2: Path, folder: Path) -> None:
    stays = shared(smollm2)
    await stays.start()

    async def visit() -> None:
        visitor = shared(smollm2)
        await visitor.start()
        assert visitor.worker_pid == stays.worker_pid
        await visitor.close()

    async def counted() -> list[int]:
        """Files here, files there, threads there; when the visitor is gone for the worker too."""
        async with asyncio.timeout(10):
            while (await stays.status())["connections"] > 1:
                pass
        places = ("/proc/self/fd", f"/proc/{stays.worker_pid}/fd", f"/proc/{stays.worker_pid}/task")
        return [len(os.listdir(place)) for place in places]

    await visit()
    before = await counted()
    for _ in range(200):
        await visit()
    assert all(now <= then + 1 for now, then in zip(await counted(), before, strict=True))  # 1: a thread's last moment
    await stays.close()


def suffixes(folder: Path) -> set[str]:
    return {path.suffix for path in folder.iterdir()}


def lock_in(folder: Path) -> FileLock:
    (path,) = folder.glob("*.lock")
    return FileLock(path)
