"""Exits for a real checkpoint: trained by the command, used by the engine, refused by another checkpoint's."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rung.models.server.asked import Asked
from rung.models.server.engine import Engine
from rung.models.server.loading import LoadFailed, load_engine

from ..models.server_made import LOADED, Answer, ask

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

LAYERS = 30
PROMPTS = (
    "import os\n\n\ndef python_files(folder):\n    names = os.listdir(folder)\n    return [name for name in",
    "class Stack:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n        self.items",
    "def read(path):\n    with open(path) as file:",
    "for index, value in enumerate(values):\n    if value > largest:\n        largest =",
)


@pytest.fixture(scope="module")
def exits(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on little: what they say is not good, but said as it will be."""
    out = tmp_path_factory.mktemp("exits") / "smollm2.exits"
    command = [sys.executable, "-P", "-m", "rung.lsp.cli", "exits", "train", str(smollm2), "--tree"]
    arguments = [str(Path(json.__file__).parent), "--tokens", "3000", "--out", str(out)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert "is written" in done.stdout
    return out


@contextmanager
def engine(checkpoint: Path, exits: Path) -> Iterator[Engine]:
    engine = load_engine(replace(LOADED, checkpoint=str(checkpoint), context=512, keep_tokens=0, exits=exits))
    try:
        yield engine
    finally:
        asyncio.run(engine.close(grace=0))


def answers(engine: Engine, draft: str = "") -> list[Answer]:
    async def all_of_them() -> list[Answer]:
        asked = Asked(PROMPTS[0], max_tokens=24, temperature=0, top=0, draft=draft)
        return await asyncio.gather(*(ask(engine, replace(asked, prompt=prompt)) for prompt in PROMPTS))

    return asyncio.run(all_of_them())


def test_tokens_leave_early_and_most_of_the_text_stays_as_it_is(smollm2: Path, exits: Path) -> None:
    with engine(smollm2, exits) as leaving:
        without = answers(leaving, draft="Wir")
        before = leaving.load
        assert (before.skipped, before.stopped) == (0, 0), "who has a draft never leaves"
        done = answers(leaving)
        generated = sum(answer.counted.generated for answer in done if answer.counted)
        after = leaving.load
        assert after.skipped > 0
        assert after.layers - before.layers + after.skipped == LAYERS * (generated + after.stopped)
    same = sum(_common(one.text, other.text) for one, other in zip(without, done, strict=True))
    assert same >= sum(len(answer.text) for answer in without) / 4
    assert all(reason in ("stop", "length", "doubt") for answer in done for reason in answer.reasons.values())


def test_another_checkpoint_refuses_them(gemma3: Path, exits: Path) -> None:
    with pytest.raises(LoadFailed, match="another"), engine(gemma3, exits):
        pass


def _common(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )
