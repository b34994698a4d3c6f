"""Servers that tests start: until they answer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import httpx

LIMIT_S = 60


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], said: Callable[[], str] = str) -> None:
    """With 200, within a minute. said: what the process has said, for the report."""
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            if httpx.get(url, timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert process.poll() is None, said()
        assert time.monotonic() < end, said()
        time.sleep(0.1)
