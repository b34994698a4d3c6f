"""Programs of others that tests need, and servers among them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from rung.models.free_port import free_port

_START_S = 60.0
_STOP_S = 10.0
_SHOWN = 2000  # characters of a log


def program(name: str, variable: str, further: str = "", path: str | None = None) -> str:
    """Where the variable says, or on PATH; else the test is skipped. further: said then. path: in place of PATH."""
    found = os.environ.get(variable) or shutil.which(name, path=path)
    if not found:
        pytest.skip(f"no {name}: put it on PATH, or its path into {variable}{further}")
    return found


@dataclass(frozen=True, slots=True)
class Running:
    """address: such as http://127.0.0.1:8000."""

    address: str
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """As a rung's configuration has it."""
        return f"{self.address}/v1"


@contextmanager
def running(command: Sequence[str], port: int, log: Path, ready: str) -> Iterator[Running]:
    """Once it answers at the path `ready` with 200, until the block ends. log: what it says."""
    with log.open("wb") as output:
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    server = Running(f"http://127.0.0.1:{port}", process)
    try:
        _wait(server, ready, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def llama_server(program: str, checkpoint: Path, log: Path, *options: str) -> Iterator[Running]:
    """llama.cpp's own, which calls the model "smol"."""
    port = free_port()
    command = [program, "-m", str(checkpoint), "--alias", "smol", "--host", "127.0.0.1", "--port", str(port)]
    with running([*command, *options], port, log, "/health") as server:
        yield server


def _wait(server: Running, ready: str, log: Path) -> None:
    end = time.monotonic() + _START_S
    while not _answers(server.address + ready):
        said = log.read_text(errors="replace")[-_SHOWN:]
        assert server.process.poll() is None, said
        assert time.monotonic() < end, said
        time.sleep(0.1)  # between two looks


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
