"""Lines in an editor's session: from memory, ahead, with the project's code, and up the ladder where rejected."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ..lsp.server_peer import Peer, completion_params, inserted, serving
from ..models import http_server
from ..models.http_server import Connection, Server
from .test_server_e2e_real import SERVE, SOURCE

pytestmark = pytest.mark.real

LIMIT_S = 30.0
SHAPES = "def perimeter_of_hexagon(side_length):\n    return 6 * side_length\n"
MAIN = "from shapes import perimeter_of_hexagon\n\nside_length = 3\nprint(perimeter_of_"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").touch()
    return tmp_path / "project"


@asynccontextmanager
async def session(project: Path, smollm2: Path, large: Server | None = None) -> AsyncIterator[Peer]:
    """theta: 0: the small model's answer is shown first."""
    config = (
        f"theta: 0\ndeadline: {{line: 20}}\nladder:\n  - {{name: small, checkpoint: {smollm2}, context: 512, k: -1}}\n"
    )
    if large is not None:
        config += f"  - {{name: large, url: {large.url}, model: coder, price: {{input: 1, output: 1}}}}\n"
    (project.parent / "config.yaml").write_text(config)
    async with serving(project.parent, SERVE) as peer:
        await peer.initialize()
        yield peer
        assert await peer.stop() == 0


async def status(peer: Peer) -> Any:
    (found,) = (await peer.command("rung.status"))["projects"]
    return found


async def generated(peer: Peer) -> int:
    """Tokens that the worker has written so far."""
    (rung,) = (await status(peer))["ladder"]
    return int((rung["tokens"] or {"generated": 0})["generated"])


async def large_answers(connection: Connection) -> None:
    await connection.text("readlines()")


async def test_a_line_that_is_typed_through_costs_no_model_and_no_time(project: Path, smollm2: Path) -> None:
    uri = (project / "a.py").as_uri()
    async with session(project, smollm2) as peer:
        peer.open(uri, SOURCE)
        (text,) = inserted(await peer.complete(uri, 5, 20))
        times = []
        for typed in range(1, len(text)):
            peer.change(uri, typed + 1, 5, 19 + typed, 19 + typed, text[typed - 1])
            began = time.monotonic()
            assert inserted(await peer.complete(uri, 5, 20 + typed)) == [text[typed:]]
            times.append(time.monotonic() - began)
        assert (await status(peer))["answers"] == {"memory": len(text) - 1, "models": 1, "underway": 0}
        assert sorted(times)[len(times) // 2] < 0.01


async def test_who_types_what_is_being_written_asks_the_models_once(project: Path, smollm2: Path) -> None:
    first, second = (project / "a.py").as_uri(), (project / "b.py").as_uri()
    async with session(project, smollm2) as peer:
        peer.open(first, SOURCE)
        (text,) = inserted(await peer.complete(first, 5, 20))
        written = await generated(peer)
        peer.open(second, SOURCE)
        _, overtaken = peer.begin("textDocument/inlineCompletion", completion_params(second, 5, 20))
        async with asyncio.timeout(LIMIT_S):
            while await generated(peer) < written + 3:  # the first may only write again what was typed
                pass
        peer.change(second, 2, 5, 20, 20, text[0])
        assert inserted(await peer.complete(second, 5, 21)) == [text[1:]]
        await peer.wait(overtaken)
        answers = (await status(peer))["answers"]
        assert (answers["models"], answers["underway"] + answers["memory"]) == (2, 1)


async def test_the_line_after_an_accepted_one_is_there_when_it_is_asked_for(project: Path, smollm2: Path) -> None:
    uri = (project / "a.py").as_uri()
    async with session(project, smollm2) as peer:
        peer.open(uri, SOURCE + "\n\n\nprint(1)\n")
        (text,) = inserted(await peer.complete(uri, 5, 20))
        async with asyncio.timeout(LIMIT_S):
            while (await status(peer))["found_ahead"] < 2:
                pass
        peer.change(uri, 2, 5, 20, 20, text)
        peer.change(uri, 3, 5, 20 + len(text), 20 + len(text), "\n    ")
        models = (await status(peer))["answers"]["models"]
        await peer.complete(uri, 6, 4)
        assert (await status(peer))["answers"] == {"memory": 1, "models": models, "underway": 0}


async def test_a_rejected_line_comes_from_the_large_rung_next_with_what_was_rejected_as_its_draft(
    project: Path, smollm2: Path
) -> None:
    uri = (project / "a.py").as_uri()
    (project / "other.py").write_text("def readlines_of(file):\n    return file.readlines()\n")
    async with http_server.serving(large_answers) as server, session(project, smollm2, server) as peer:
        peer.open(uri, SOURCE)
        (text,) = inserted(await peer.complete(uri, 5, 20))
        assert server.bodies == []
        peer.change(uri, 2, 5, 20, 20, "§")
        result = await peer.complete(uri, 5, 21)
        assert inserted(result) == ["readlines()"]
        draft = server.bodies[0]["prediction"]["content"]
        assert draft
        assert text.endswith(draft)
        why = await peer.command("rung.explain", result["items"][0]["command"]["arguments"][0])
        assert [step["decision"] for step in why["steps"]] == ["rejected", "adopted_unchecked"]


async def test_code_of_another_file_is_read_with_the_line_and_named_in_its_explanation(
    project: Path, smollm2: Path
) -> None:
    (project / "shapes.py").write_text(SHAPES)
    uri = (project / "main.py").as_uri()
    async with session(project, smollm2) as peer:
        peer.open(uri, "")
        await peer.complete(uri, 0, 0)  # opens the project
        async with asyncio.timeout(LIMIT_S):
            while not (await status(peer))["index"]["complete"]:
                pass
        peer.change_with(uri, 2, {"text": MAIN})
        result = await peer.complete(uri, 3, 19, kind=1)
        assert inserted(result)[0].startswith("hexagon(side_length")
        why = await peer.command("rung.explain", result["items"][0]["command"]["arguments"][0])
        assert why["retrieved"] == [{"path": "shapes.py", "line": 1}]
        assert "shapes.py:1" in why["markdown"]


async def test_an_idle_server_with_an_index_uses_no_processor(project: Path, smollm2: Path) -> None:
    uri = (project / "a.py").as_uri()
    async with session(project, smollm2) as peer:
        peer.open(uri, SOURCE)
        await peer.complete(uri, 5, 20)
        async with asyncio.timeout(LIMIT_S):
            while not ((found := await status(peer))["index"]["complete"] and found["found_ahead"] >= 2):
                pass
        assert peer.process is not None
        before = _cpu_s(peer.process.pid)
        await asyncio.sleep(2.0)  # what is measured is that nothing happens
        assert _cpu_s(peer.process.pid) - before < 0.05


def _cpu_s(pid: int) -> float:
    """Seconds of a process and those of its children that still run."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100 + sum(_cpu_s(int(child)) for child in children)
