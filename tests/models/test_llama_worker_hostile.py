"""What a shared worker does not let happen to it, and what a server does not connect to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rung.models.llama import CannotShare, LlamaModel, running_workers
from rung.models.llama.address import find_address
from rung.models.llama.settings import EngineSettings
from rung.models.protocol import Sampling

from . import llama_peer
from .llama_folder import Raw, own_folder, workers
from .llama_peer import CONTEXT, PROMPT, THREADS, shared

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="processes are looked for in /proc"),
]
SAMPLING = {
    "max_tokens": 4,
    "temperature": 0.0,
    "n": 1,
    "stop": [],
    "seed": None,
    "logprobs": True,
    "priority": 0,
    "statement": None,
    "stop_nth": None,
    "next_line": 0.0,
    "doubt": None,
}
TEXTS = {"prefix": "x = ", "suffix": "", "draft": "", "context": ""}


@pytest.fixture(scope="module")
def served(smollm2: Path) -> Iterator[Path]:
    """The folder of one worker for the tests that leave it as it was, which a server of its own keeps."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="rung-test-") as around:
        patch.setenv("XDG_RUNTIME_DIR", around)
        program = [sys.executable, llama_peer.__file__, str(smollm2)]
        pipe = subprocess.PIPE
        with subprocess.Popen(program, stdin=pipe, stdout=pipe) as server:
            assert server.stdout is not None
            assert "pid" in json.loads(server.stdout.readline())
            yield Path(around) / "rung"
            server.kill()
        (pid,) = workers(Path(around))
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def model(smollm2: Path, served: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LlamaModel]:
    """Connected. It has to answer after whatever else a test did to its worker."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(served.parent))
    model = shared(smollm2)
    await model.start()
    yield model
    pid = model.worker_pid
    (generation,) = await model.generate(PROMPT, Sampling(4))
    assert generation.usage.generated == 4
    assert workers(served) == [pid]
    await model.close()


@pytest.fixture
async def folder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """Nobody serves there."""
    async with own_folder(monkeypatch) as folder:
        yield folder


@pytest.fixture
def path(model: LlamaModel, served: Path) -> Path:
    """Its socket."""
    (path,) = served.glob("*.sock")
    return path


async def test_who_does_not_speak_the_protocol_is_told_so_and_disconnected(path: Path) -> None:
    for data in (
        b"\xff\xfe\x00\n",
        b"\n",
        b"[]\n",
        b"{}\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"[" * 100_000 + b"\n",
        b'{"generate": "1"}\n',
        b'{"generate": true}\n',
        b'{"cancel": []}\n',
        b'{"status": 1.5}\n',
        b'{"generate": 1, "prompt": ',
    ):
        with Raw(path) as raw:
            assert "ready" in raw.hear()
            raw.socket.sendall(data)
            raw.socket.shutdown(socket.SHUT_WR)
            assert isinstance(raw.hear()["refused"], str), data[:40]
            assert raw.hears_the_end()


async def test_a_wrong_request_is_answered_and_the_next_is_served(path: Path) -> None:
    right = {"prompt": TEXTS, "sampling": SAMPLING}
    wrong: list[dict[str, object]] = [
        {"prompt": None},
        {"prompt": {**TEXTS, "prefix": 1}},
        {"prompt": {**TEXTS, "more": ""}},
        {"sampling": {}},
        {"sampling": {**SAMPLING, "max_tokens": -1}},
        {"sampling": {**SAMPLING, "max_tokens": True}},
        {"sampling": {**SAMPLING, "n": 10**9}},
        {"sampling": {**SAMPLING, "temperature": float("nan")}},
        {"sampling": {**SAMPLING, "stop": [""]}},
        {"sampling": {**SAMPLING, "stop": [1]}},
        {"sampling": {**SAMPLING, "seed": -1}},
        {"sampling": {**SAMPLING, "priority": 7}},
    ]
    with Raw(path) as raw:
        raw.hear()
        for part in wrong:
            raw.socket.sendall(json.dumps({"generate": 7, **right, **part}).encode() + b"\n")
            assert raw.hear()["error"] == 7, part
            raw.socket.sendall(json.dumps({"generate": 7, **right}).encode() + b"\n")
            assert raw.hear()["done"] == 7


async def test_an_identifier_that_is_in_use_ends_the_connection_and_its_requests(path: Path, model: LlamaModel) -> None:
    request = {"generate": 1, "prompt": TEXTS, "sampling": {**SAMPLING, "max_tokens": 2000}}
    with Raw(path) as raw:
        raw.hear()
        raw.socket.sendall((json.dumps(request).encode() + b"\n") * 2)
        assert "refused" in await asyncio.to_thread(raw.hear)
        async with asyncio.timeout(10):
            while (await model.status())["running"]:
                pass


async def test_more_requests_than_a_server_could_mean_are_refused_one_by_one(path: Path) -> None:
    request = {"prompt": TEXTS, "sampling": {**SAMPLING, "max_tokens": 2000}}
    with Raw(path) as raw:
        raw.hear()
        for identifier in range(300):
            raw.socket.sendall(json.dumps({"generate": identifier, **request}).encode() + b"\n")
        answer = await asyncio.to_thread(raw.hear)
        assert answer["error"] == 256


async def test_who_never_reads_is_disconnected_and_holds_up_nobody(path: Path, model: LlamaModel) -> None:
    def ask_without_end(raw: Raw) -> None:
        with contextlib.suppress(OSError):  # the end it has to come to; which one depends on the moment
            while True:
                raw.socket.sendall(b'{"status": 1}\n' * 1000)

    with Raw(path) as raw:
        asking = asyncio.create_task(asyncio.to_thread(ask_without_end, raw))
        (generation,) = await asyncio.wait_for(model.generate(PROMPT, Sampling(20)), 20)
        assert generation.usage.generated == 20
        await asyncio.wait_for(asking, 20)
    assert (await model.status())["pid"] == model.worker_pid


async def test_half_a_message_holds_up_nobody(path: Path, model: LlamaModel) -> None:
    with Raw(path) as raw:
        raw.socket.sendall(b'{"generate": 1, "prompt": {"prefix": "')
        (generation,) = await asyncio.wait_for(model.generate(PROMPT, Sampling(4)), 20)
        assert generation.usage.generated == 4


async def test_folder_socket_and_log_are_open_to_their_owner_only(model: LlamaModel, served: Path) -> None:
    def modes() -> dict[str, int]:
        return {path.suffix: stat.S_IMODE(path.lstat().st_mode) for path in (served, *served.iterdir())}

    assert modes() == {"": 0o700, ".sock": 0o600, ".log": 0o600, ".lock": 0o600}


async def test_a_link_where_the_socket_belongs_is_not_followed(
    smollm2: Path, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = find_address(smollm2, EngineSettings(context=CONTEXT, threads=THREADS))
    with socket.socket(socket.AF_UNIX) as trap:
        trap.bind(str(folder.parent / "trap"))
        trap.listen()
        trap.setblocking(False)
        address.socket.symlink_to(folder.parent / "trap")
        await it_works_alone(smollm2, folder)
        with pytest.raises(BlockingIOError):
            trap.accept()
    assert address.socket.is_symlink()
    assert "not a socket of this user's" in caplog.text
    with pytest.raises(CannotShare):
        running_workers()


async def test_a_file_where_the_socket_belongs_is_left_as_it_is(smollm2: Path, folder: Path) -> None:
    address = find_address(smollm2, EngineSettings(context=CONTEXT, threads=THREADS))
    address.socket.write_text("precious")
    await it_works_alone(smollm2, folder)
    assert address.socket.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_a_socket_of_somebody_else_is_not_connected_to(smollm2: Path, folder: Path) -> None:
    address = find_address(smollm2, EngineSettings(context=CONTEXT, threads=THREADS))
    with socket.socket(socket.AF_UNIX) as trap:
        trap.bind(str(address.socket))
        os.chown(address.socket, 12345, 12345)
        trap.listen()
        trap.setblocking(False)
        await it_works_alone(smollm2, folder)
        with pytest.raises(BlockingIOError):
            trap.accept()


async def it_works_alone(smollm2: Path, folder: Path) -> None:
    """With a worker of its own, which ends with it."""
    model = shared(smollm2)
    (generation,) = await model.generate(PROMPT, Sampling(4))
    assert generation.usage.generated == 4
    assert workers(folder) == []
    pid = model.worker_pid
    await model.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid or 0, 0)
