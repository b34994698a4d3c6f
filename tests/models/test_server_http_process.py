"""The server as a process, with an engine that answers as a test tells it: start and end."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rung.models.free_port import free_port
from rung.models.server.http.keys import Keys
from rung.models.server.http.listening import Address, CannotServe, listen
from rung.models.server.http.serving import serve

from .server_http_fake import FakeEngine

SIGNALS = [signal.SIGTERM, signal.SIGINT]
ENDED = ["Shutting down: what runs has 20 s to end."]


class Process:
    """The program of server_http_fake.py."""

    def __init__(self, kind: str, grace: float) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.models.server_http_fake", kind, str(port), str(grace)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> tuple[int, list[str]]:
        """Its status, and what it still said."""
        said, _ = self._process.communicate(timeout=10)
        return self._process.returncode, said.splitlines()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def process(kind: str = "ready", grace: float = 20) -> Iterator[Process]:
    started = Process(kind, grace)
    try:
        assert started.line() == f"Listening at {started.url}/v1; the model is being loaded."
        if kind == "ready":
            assert started.line() == "fake is ready: 100 tokens of context, with fill-in-the-middle."
        yield started
    finally:
        started.kill()


class Asked(threading.Thread):
    """A request that runs; its answer is whole after `join`."""

    def __init__(self, url: str, prompt: str) -> None:
        super().__init__(daemon=True)
        self.begun = threading.Event()
        self.text = ""
        self._url = url
        self._prompt = prompt
        self.start()
        assert self.begun.wait(10)

    def run(self) -> None:
        body = {"prompt": self._prompt, "stream": True}
        with httpx.stream("POST", f"{self._url}/v1/completions", json=body, timeout=30, trust_env=False) as answer:
            for line in answer.iter_lines():
                self.text += line + "\n"
                self.begun.set()


def get(url: str, path: str) -> httpx.Response:
    return httpx.get(url + path, timeout=5, trust_env=False)


@pytest.mark.real
@pytest.mark.parametrize("number", SIGNALS)
def test_a_server_without_work_ends_at_once_with_status_0(number: int) -> None:
    with process() as server:
        assert get(server.url, "/health").json() == {"status": "ready"}
        server.tell(number)
        assert server.end() == (0, ENDED)


@pytest.mark.real
@pytest.mark.parametrize("number", SIGNALS)
def test_a_server_that_loads_answers_and_ends_at_once_with_status_0(number: int) -> None:
    with process("loading") as server:
        assert get(server.url, "/health").json() == {"status": "loading"}
        assert get(server.url, "/v1/models").status_code == 503
        server.tell(number)
        assert server.end() == (0, ["Stopped while the model was being loaded."])


@pytest.mark.real
def test_what_runs_may_end_and_nothing_new_is_begun() -> None:
    with process() as server:
        asked = [Asked(server.url, "say"), Asked(server.url, "finish")]
        server.tell(signal.SIGTERM)
        asked[1].join(10)
        assert asked[1].text.endswith("data: [DONE]\n\n")
        assert get(server.url, "/health").json() == {"status": "closing"}, "the other one still runs"
        refused = httpx.post(f"{server.url}/v1/completions", json={"prompt": "x"}, timeout=5, trust_env=False)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
        server.tell(signal.SIGTERM)
        assert server.end() == (0, ENDED), "the second signal ends what still runs"
        asked[0].join(10)
        assert "The server is shutting down." in asked[0].text


@pytest.mark.real
def test_what_runs_longer_than_the_grace_is_ended() -> None:
    with process(grace=0.2) as server:
        asked = Asked(server.url, "say")
        began = time.monotonic()
        server.tell(signal.SIGTERM)
        assert server.end()[0] == 0
        assert 0.2 <= time.monotonic() - began < 5
        asked.join(10)
        assert "The server is shutting down." in asked.text


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_without_a_key_only_this_machine_is_listened_to(host: str) -> None:
    with pytest.raises(CannotServe, match="name a key with --key-env"):
        serve(Address(host, 0), Keys(""), FakeEngine, grace=0, say=print)


def test_a_port_that_is_taken_and_a_host_that_is_none_are_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=f"Another program listens at port {port} of 127.0.0.1; choose"):
            serve(Address("127.0.0.1", port), Keys(""), FakeEngine, grace=0, say=print)
    with pytest.raises(CannotServe, match=r"Nothing can listen at port 80 of 192\.0\.2\.1: .*\."):
        serve(Address("192.0.2.1", 80), Keys("key"), FakeEngine, grace=0, say=print)


async def test_no_answer_waits_for_an_acknowledgement() -> None:
    """Nagle's algorithm would hold back what follows the head of an answer, 40 ms and more."""
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    listener = listen(Address("127.0.0.1", 0))
    async with await asyncio.start_server(lambda _, writer: accepted.put_nowait(writer), sock=listener):
        _, client = await asyncio.open_connection(*listener.getsockname())
        server = await asyncio.wait_for(accepted.get(), 5)
        assert server.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        client.close()
        server.close()


def test_a_model_that_cannot_be_loaded_ends_the_server() -> None:
    def load() -> FakeEngine:
        raise CannotServe("It is damaged.")

    said: list[str] = []
    with pytest.raises(CannotServe, match="damaged"):
        serve(Address("127.0.0.1", 0), Keys(""), load, grace=0, say=said.append)
    assert len(said) == 1


@pytest.mark.parametrize("text", ["schlüssel", "one tw\x07o"])
def test_a_key_that_nobody_can_send_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="ASCII only") as caught:
        Keys(text)
    assert text.split()[-1] not in str(caught.value)
