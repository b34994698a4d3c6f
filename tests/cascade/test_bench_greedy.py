"""The parts of `rung bench checkpoints` that need no checkpoint."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.bench.comments import COMMENTS
from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.greedy import LineTask, Written, agreement, exact, measure_speed, write_lines
from rung.cascade.bench.source_lines import source_lines
from rung.models.protocol import FinishReason, Generation, OnSample, OnToken, Prompt, Sampling, Usage


class Fixed:
    """Always writes the same, at ten tokens a second."""

    name = "fixed"

    def __init__(self) -> None:
        self.asked: list[tuple[Prompt, Sampling]] = []

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        self.asked.append((prompt, sampling))
        count = sampling.max_tokens
        usage = Usage(prompt=count, generated=count)
        return [Generation("x = 1\ny", (), FinishReason.STOP, usage, count / 10) for _ in range(sampling.n)]

    async def close(self) -> None: ...


async def test_a_line_is_asked_without_what_follows_and_cut_at_its_end() -> None:
    model, steps = Fixed(), []
    written = await write_lines(model, [LineTask("a = 0\n", "x = 1")], lambda: steps.append(1))
    ((prompt, sampling),) = model.asked
    assert (prompt.prefix, prompt.suffix, sampling.temperature) == ("a = 0\n", "", 0)
    assert written.texts == ("x = 1",)
    assert steps == [1]


async def test_speeds_are_tokens_by_the_seconds_of_the_model() -> None:
    model = Fixed()
    speed = await measure_speed(model, "x = 1\n" * 400, turn=3)
    assert (speed.prompt, speed.one, speed.ten) == (10, 10, 100)
    assert model.asked[0][0].prefix.startswith("# 3\n")
    assert [sampling.n for _, sampling in model.asked] == [1, 1, 10]


def test_blanks_around_a_line_do_not_make_it_wrong() -> None:
    tasks = [LineTask("", "return x"), LineTask("", "return y")]
    assert exact(Written(("return x ", "return z"), 0), tasks) == 0.5


def test_agreement_counts_whole_texts_and_common_beginnings() -> None:
    found = agreement(("abc", "abx", ""), ("abc", "abcd", "q"))
    assert (found.same, found.prefix, found.of) == (1 / 3, 5 / 3, 8 / 3)


@given(texts=st.lists(st.text()))
def test_a_model_agrees_with_itself(texts: list[str]) -> None:
    found = agreement(texts, texts)
    assert found.prefix == found.of
    assert found.same == (1 if texts else 0)


def _tree(folder: Path, files: int) -> Path:
    body = "".join(f"    value_{n} = compute(value_{n - 1}, {n})\n    # a comment\n\n" for n in range(1, 60))
    for number in range(files):
        (folder / f"module_{number}.py").write_text(f"import os\n\n\ndef run_{number}(value_0):\n{body}")
    return folder


def test_lines_of_a_tree_are_code_spread_over_files_and_the_same_each_time(tmp_path: Path) -> None:
    tree = _tree(tmp_path, 8)
    tasks = source_lines([tree], 20)
    assert len(tasks) == 20
    assert tasks == source_lines([tree], 20)
    assert all(task.line.startswith("value_") and task.before.endswith("    ") for task in tasks)
    assert len({task.before.split("\n")[0] for task in tasks}) == 4
    for task in tasks:
        assert any(task.before + task.line in path.read_text() for path in tree.glob("*.py"))


def test_each_line_of_a_file_goes_on_where_the_one_before_was(tmp_path: Path) -> None:
    tasks = source_lines([_tree(tmp_path, 1)], 5)
    for one, following in pairwise(tasks):
        assert following.before.startswith(one.before + one.line)


def test_a_tree_that_is_missing_or_too_small_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="is not there"):
        source_lines([tmp_path / "none"], 5)
    with pytest.raises(DataMissing, match="gives 10 lines and not 11"):
        source_lines([_tree(tmp_path, 2)], 11)


def test_the_comments_are_all_different_and_in_many_scripts() -> None:
    texts = [task.before for task in COMMENTS]
    assert len(set(texts)) == len(texts) >= 30
    for character in "öéñίяم的を키ह🎉":
        assert any(character in text for text in texts)
