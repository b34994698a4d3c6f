"""Retrieved code stands before the file, within its share, and moves nothing else of the prompt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.chunk import Chunk
from rung.cascade.prompts import RETRIEVED_SHARE, prompt_here
from rung.cascade.retrieved import retrieved_lines
from rung.cascade.task import Task, TaskKind

from .climb_fakes import rung, says

CHUNKS = st.lists(
    st.builds(
        Chunk, st.sampled_from(["a.py", "b/é.py"]), st.integers(1, 99), st.text("xé\n ", min_size=1, max_size=300)
    ),
    max_size=12,
).map(tuple)
LONG = Task(TaskKind.LINE, "value = compute(1)\n" * 400 + "x = ", "\n")


@given(CHUNKS, st.integers(0, 2000))
def test_as_many_whole_chunks_as_fit_each_below_its_path_the_best_last(chunks: tuple[Chunk, ...], room: int) -> None:
    text = retrieved_lines(replace(LONG, retrieved=chunks), room)
    assert text == "" or text.endswith("\n# this file\n")
    shown = text.removesuffix("# this file\n")
    assert len(shown.encode()) <= room
    if shown:
        best = chunks[0]
        assert shown.endswith(f"# {best.path}\n{best.text.strip(chr(10))}\n\n")


@given(CHUNKS, CHUNKS, st.booleans())
def test_the_file_in_the_prompt_begins_at_the_same_place_whatever_was_retrieved(
    one: tuple[Chunk, ...], other: tuple[Chunk, ...], remote: bool
) -> None:
    asked = rung("r", says(""), remote=remote)
    prompts = [prompt_here(replace(LONG, retrieved=chunks), asked, 64) for chunks in (one, other) if chunks]
    assert len({prompt.prefix for prompt in prompts}) <= 1
    for prompt in prompts:
        assert len(prompt.context.encode()) <= RETRIEVED_SHARE * 2048 * 2.5 + 20


def test_in_a_remote_prompt_retrieved_code_has_a_share_and_in_a_local_one_it_is_added() -> None:
    local, remote = rung("r", says("")), rung("r", says(""), remote=True)
    found = replace(LONG, retrieved=(Chunk("a.py", 1, "x"),))
    assert len(prompt_here(LONG, remote, 64).prefix) > len(prompt_here(found, remote, 64).prefix)
    assert prompt_here(LONG, local, 64).prefix == prompt_here(found, local, 64).prefix


@pytest.mark.parametrize(("language", "sign"), [("python", "#"), ("typescript", "//"), ("lua", "--"), ("unknown", "#")])
def test_paths_are_comments_of_the_language(language: str, sign: str) -> None:
    task = replace(LONG, language=language, path=Path("/p/main.x"), retrieved=(Chunk("a/b.x", 1, "text"),))
    assert retrieved_lines(task, 500) == f"{sign} a/b.x\ntext\n\n{sign} main.x\n"
