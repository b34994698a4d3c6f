"""A server that another process started ends with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_S = 20.0
SERVER = [sys.executable, "-m", "rung.lsp.with_parent"]
# Starts the server and waits for ever; tells its process.
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen({[*SERVER, "listening"]!r}, stdin=subprocess.PIPE, stdout=sys.stdout)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`listening` says that it runs, with its arguments, and goes on for ever."""
    (tmp_path / "listening.py").write_text(
        "import sys, time\nprint(__name__, *sys.argv[1:], flush=True)\ntime.sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_it_is_run_as_python_would_run_it_with_its_arguments() -> None:
    with subprocess.Popen(
        [*SERVER, "listening", "--port", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "__main__ --port 1\n"
        server.kill()


def test_it_ends_when_its_input_does() -> None:
    with subprocess.Popen([*SERVER, "listening"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline()
        server.stdin.close()
        assert server.wait(LIMIT_S) == 1


def test_it_ends_when_who_started_it_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline()
        parent.kill()
        assert parent.stdout.read() == b""  # the end of a pipe that the server holds, too
