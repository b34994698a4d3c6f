"""The prompt that the real model read while the user still typed is in its cache when the request comes."""

from __future__ import annotations

import argparse
import asyncio
import inspect
from pathlib import Path
from typing import Any

import pytest

from ..lsp.server_peer import Peer, completion_params, result_of, serving
from .test_server_e2e_real import SERVE

pytestmark = pytest.mark.real

LINES = inspect.getsource(argparse).split("\n")[600:760]  # about 1,000 tokens
URI = "untitled:a"
PAUSES_S = (0.15, 0.5, 2.0, 8.0)  # a user's; how long the model reads depends on how busy the machine is


@pytest.fixture
def folder(tmp_path: Path, smollm2: Path) -> Path:
    (tmp_path / "config.yaml").write_text(
        "theta: 0\ndeadline: {line: 30}\nladder:\n"
        f"  - {{name: small, checkpoint: {smollm2}, context: 1024, k: 0, cache_mb: 64, threads: 1, gpu_layers: 0}}\n"
    )
    return tmp_path


async def test_after_a_pause_only_the_last_token_is_evaluated(folder: Path) -> None:
    async with serving(folder, SERVE) as peer:
        await peer.initialize()
        peer.open(URI, "\n".join(LINES))
        await step_at(peer, 3, version=2, pause_s=None)
        without = await step_at(peer, 60, version=3, pause_s=None)
        assert without["prompt_tokens"] - without["cached_tokens"] > 100
        for number, pause_s in enumerate(PAUSES_S):
            step = await step_at(peer, 150 - 25 * number, version=4 + number, pause_s=pause_s)
            if step["prompt_tokens"] - step["cached_tokens"] <= 1:
                break
        else:
            pytest.fail(f"after {pause_s} s {step['cached_tokens']} of {step['prompt_tokens']} tokens were cached")
        assert 0 < step["engine_seconds"] <= step["seconds"]
        assert await peer.stop() == 0


async def step_at(peer: Peer, line: int, *, version: int, pause_s: float | None) -> dict[str, Any]:
    """Change the end of `line` and ask there; None: both at once, so that nothing is read ahead."""
    column = len(LINES[line])
    peer.change(URI, version, line, column, column, " x")
    if pause_s is not None:
        await asyncio.sleep(pause_s)
    _, answer = peer.begin("textDocument/inlineCompletion", completion_params(URI, line, column + 2))
    result_of(await peer.wait(answer))
    (step,) = (await peer.command("rung.explain"))["steps"]
    assert isinstance(step, dict)
    return step
