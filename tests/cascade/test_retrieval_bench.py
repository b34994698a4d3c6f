"""The measurement of retrieval: what it asks for, and that what is found counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.bench.retrieval.definitions import cut_definitions
from rung.cascade.bench.retrieval.exact import Exact
from rung.cascade.bench.retrieval.history import NoHistory, boosted
from rung.cascade.bench.retrieval.holes import CHARACTERS_OF_A_TOKEN, Hole, found_share, holes
from rung.cascade.bench.retrieval.quality import as_built, at_random
from rung.cascade.bench.retrieval.speeds import speeds
from rung.cascade.bench.retrieval.tree import tree_files
from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.tokens import tokens

from .retrieval_tree import Project

FILLER = "".join(f"    step_{i} = {i}\n" for i in range(8))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Of each pair of files, one calls a function of the other after a line that tells which."""
    project = Project(tmp_path)
    for i in range(12):
        project.write(f"library_{i}.py", f"def topic{i}_open():\n    return topic{i}_special{i}()\n")
        project.write(f"user_{i}.py", f"def work():\n{FILLER * 3}    topic{i}_open()\n    x = topic{i}_special{i}()\n")
    return project


def test_a_hole_wants_only_names_that_are_not_visible(project: Project) -> None:
    asked = holes(tree_files(project.root), 50)
    assert asked
    for hole in asked:
        assert hole.before + hole.line + hole.after == (project.root / hole.path).read_text()
        assert not any(name in hole.before + hole.after for name in hole.wanted)
        assert all(name in hole.line for name in hole.wanted)


def test_only_what_stands_within_the_budget_counts() -> None:
    hole = Hole("a.py", "", "", "x = wanted_name(other_name)", frozenset({"wanted_name", "other_name"}))
    long = Chunk("b.py", 1, "y = 1\n" * 20 + "other_name()")
    near = Chunk("c.py", 1, "wanted_name()")
    assert found_share([(hole, [near, long])], int(60 / CHARACTERS_OF_A_TOKEN)) == 0.5
    assert found_share([(hole, [near, long])], 1_000) == 1.0
    assert found_share([(hole, [])], 1_000) == 0.0
    assert found_share([], 1_000) == 0.0


async def test_rungs_search_finds_more_than_chance_and_the_times_are_taken(project: Project, tmp_path: Path) -> None:
    files = tree_files(project.root)
    asked = holes(files, 10)
    folder = tmp_path / "bench"
    folder.mkdir()
    measured = await speeds(project.root, folder, asked, idle_s=0.05)
    assert measured.files == len(files) == 24
    assert min(measured.build, measured.refresh, measured.checkout, *measured.searches, *measured.updates) > 0
    built = as_built((folder / "tree").resolve(), folder / "index.db", asked)
    assert built.shares[1] > at_random(files, asked).shares[1]


@given(
    st.lists(st.sampled_from(["def f():", "class A:", "    x = 1", "", "    def g():", "        pass"]), max_size=60)
)
def test_chunks_along_definitions_hold_the_whole_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert "\n".join(piece for _, piece in cut_definitions(text, 3, 8)) == text


def test_every_chunk_ranked_finds_the_rarest_term_first() -> None:
    chunks = [Chunk(f"{i}.py", 1, "common thing") for i in range(9)] + [Chunk("rare.py", 1, "common rarity")]
    exact = Exact(chunks, tokens)
    assert exact.best({"common": 1.0, "rarity": 1.0}, "", 2)[0].path == "rare.py"
    assert exact.best({"rarity": 1.0}, "rare.py", 2) == []


def test_a_tree_without_history_is_said_in_a_sentence(project: Project, tmp_path: Path) -> None:
    with pytest.raises(NoHistory, match="git"):
        boosted(project.root, 3, tmp_path)
