"""Strategies over the real climb with made-up models: what is asked and shown, and the same without any model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rung.cascade.bench.ladder import RungFailed
from rung.cascade.bench.lines import words
from rung.cascade.bench.lines.case import Case, Kind
from rung.cascade.bench.lines.journal import journal
from rung.cascade.bench.lines.ladders import Ladders
from rung.cascade.bench.lines.measuring import measure
from rung.cascade.bench.lines.report import as_html
from rung.cascade.bench.lines.results import Results, results, write
from rung.cascade.bench.lines.retrieved import Leaked
from rung.cascade.bench.lines.sampling import sample
from rung.cascade.bench.lines.search import Search
from rung.cascade.bench.lines.simulate import Trace, simulate
from rung.cascade.bench.lines.strategy import (
    ABLATIONS,
    BOTH,
    CONFIDENCE_ONLY,
    LARGE_ONLY,
    REJECTION_ONLY,
    SMALL_ONLY,
    STRATEGIES,
    Engine,
    Strategy,
)
from rung.cascade.ladder import Rung
from rung.models.price import Price

from .lines_made import HEADER, Finding, Scripted, case, tree


class Place:
    """A tree with one file beside the one that is completed, a small and a large model."""

    def __init__(self, folder: Path, small: Scripted, large: Scripted) -> None:
        self.root = folder / "p"
        self.root.mkdir()
        (self.root / "m.py").write_text("x = 1\ntarget_text\ny = 2\n")
        (self.root / "other.py").write_text("other_text = 1\n")
        self.small, self.large = small, large
        self.finding = Finding(self.root)
        self.journal = folder / "calls.jsonl"

    async def run(self, case: Case, strategy: Strategy, theta: float = 0.5, *, left_only: bool = False) -> Trace:
        with journal(self.journal, HEADER) as opened:
            ladders = Ladders(
                small=Rung("small", self.small),
                large=Rung("large", self.large, remote=True, price=Price(1.0, 1.0)),
                models=dict.fromkeys(Engine, self.small),
                large_model=self.large,
                roots={"p": self.root},
                search={"p": Search(self.finding, self.finding.changed, self.root.parent)},
                journal=opened,
                left_only=left_only,
            )
            return await simulate(case, strategy, theta, "large", ladders.climb)


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Place]:
    def make(small: str = "a + b + c + d", large: str = "right(1)", probability: float = 0.6) -> Place:
        return Place(tmp_path, Scripted(small, probability), Scripted(large))

    return make


CASE = case("right(1)", begun="value = ")


async def test_the_small_rung_alone_is_asked_alone(place: Callable[..., Place]) -> None:
    there = place("right(1)")
    trace = await there.run(CASE, SMALL_ONLY)
    assert (trace.text, trace.shown, trace.exact, trace.rejected) == ("right(1)", "small", True, False)
    assert not there.large.calls


async def test_what_is_not_sure_climbs_and_waits_only_for_the_first_tokens(place: Callable[..., Place]) -> None:
    there = place(probability=0.4)
    trace = await there.run(CASE, CONFIDENCE_ONLY)
    assert (trace.shown, trace.exact, trace.rejected) == ("large", True, False)
    assert trace.spent["small"].generated == 3
    assert trace.usd == pytest.approx(11e-6)
    (no_cut,) = [each for each in ABLATIONS if not each.early_cut]
    assert (await there.run(CASE, no_cut)).spent["small"].generated == 7


async def test_what_is_sure_and_wrong_is_rejected_and_drafts_for_the_large_rung(place: Callable[..., Place]) -> None:
    there = place()
    trace = await there.run(CASE, BOTH)
    assert (trace.shown, trace.exact, trace.rejected) == ("large", True, True)
    assert trace.seconds > trace.first_s > 0
    ((prompt, _),) = there.large.calls
    assert prompt.draft == "a + b + c + d"
    assert [task.rejected is not None for task in there.finding.asked] == [False, True]
    assert (await there.run(CASE, CONFIDENCE_ONLY)).shown == "small"


async def test_rejection_alone_shows_everything_first(place: Callable[..., Place]) -> None:
    trace = await place(probability=0.01).run(CASE, REJECTION_ONLY, theta=0.0)
    assert (trace.shown, trace.rejected) == ("large", True)
    assert trace.spent["small"].calls == 1


async def test_what_is_right_is_not_rejected(place: Callable[..., Place]) -> None:
    there = place("right( 1 )")
    assert (await there.run(CASE, BOTH)).shown == "small"
    assert not there.large.calls


async def test_each_mechanism_can_be_taken_away(place: Callable[..., Place]) -> None:
    there = place()
    named = {each.name: each for each in ABLATIONS}
    for name, in_prompt in (
        ("both, no draft for the large rung", lambda prompt: not prompt.draft and prompt.context),
        ("both, no retrieval", lambda prompt: prompt.draft and not prompt.context),
        ("both, no suffix", lambda prompt: prompt.draft and not prompt.suffix),
    ):
        there.large.calls.clear()
        await there.run(CASE, named[name])
        assert all(in_prompt(prompt) for prompt, _ in there.large.calls), name
        assert there.large.calls, name
    there.finding.asked.clear()
    await there.run(case("right(1)", begun="other = "), named["both, no second retrieval"])
    assert [task.rejected for task in there.finding.asked] == [None]


async def test_left_only_hides_what_stands_below_the_cursor(place: Callable[..., Place]) -> None:
    there = place()
    await there.run(CASE, BOTH, left_only=True)
    assert [prompt.suffix for prompt, _ in there.small.calls + there.large.calls] == ["", ""]
    assert all(task.suffix == "" for task in there.finding.asked)


async def test_no_chunk_of_the_file_that_is_completed_reaches_a_prompt(place: Callable[..., Place]) -> None:
    there = place()
    await there.run(CASE, BOTH)
    for prompt, _ in there.small.calls + there.large.calls:
        assert "other_text" in prompt.context
        assert "target_text" not in prompt.text
    assert (there.root / "m.py").read_text().count("target_text") == 1


async def test_a_retriever_that_finds_the_file_that_is_completed_ends_the_run(place: Callable[..., Place]) -> None:
    there = place()
    there.finding = Finding(there.root.parent)  # finds "p/m.py", so that hiding it is not enough
    there.finding.root = there.root
    chunks = there.finding._chunks()
    there.finding._chunks = lambda: chunks  # type: ignore[method-assign]
    with pytest.raises(Leaked, match=r"p/m\.py"):
        await there.run(CASE, BOTH)


async def test_a_rung_that_fails_ends_the_run(place: Callable[..., Place]) -> None:
    there = place()
    there.small = None  # type: ignore[assignment]
    with pytest.raises(RungFailed, match="small failed"):
        await there.run(CASE, SMALL_ONLY)


async def _all(
    folder: Path, trees: dict[str, Path], cases: list[Case], live: bool, ablated: int | None = None
) -> Results:
    small, large = Scripted("results = combine(value)", 0.6), Scripted("total_1 = compute(value, other) + 1")
    with journal(folder / "calls.jsonl", HEADER) as opened:
        ladders = Ladders(
            small=Rung("small", small),
            large=Rung("large", large, remote=True, price=Price(1.0, 2.0)),
            models=dict.fromkeys(Engine, small) if live else {},
            large_model=large if live else None,
            roots=trees,
            search={name: Search(Finding(root), Finding(root).changed, folder) for name, root in trees.items()}
            if live
            else {},
            journal=opened,
        )
        measured = await measure(
            cases,
            ladders.climb,
            "large",
            0,
            lambda _, __: lambda: None,
            ablated=len(cases) if ablated is None else ablated,
        )
    found = results(
        cases, measured, small="small", large="large", seed=0, left_only=False, warm=False, settings=["made up"]
    )
    write(folder, found, cases, measured)
    return found


async def test_a_run_gives_the_same_without_any_model(tmp_path: Path) -> None:
    trees = {name: tree(tmp_path, name, 4).root for name in ("one", "two")}
    cases = sample([tree(tmp_path / "again", name, 4) for name in trees], 8, seed=0)
    first = await _all(tmp_path, trees, cases, live=True)
    again = await _all(tmp_path, trees, cases, live=False)
    assert again == first
    assert [row.strategy for row in first.rows] == [each.name for each in (*STRATEGIES, *ABLATIONS)]
    assert all(row.tasks == 8 for row in first.rows)
    assert (tmp_path / "answers.jsonl").read_text().count("\n") == 8 * len(first.rows)


async def test_what_lacks_a_mechanism_is_judged_on_fewer_tasks_beside_the_same_ones(tmp_path: Path) -> None:
    trees = {name: tree(tmp_path, name, 4).root for name in ("one", "two")}
    cases = sample([tree(tmp_path / "again", name, 4) for name in trees], 8, seed=0)
    found = {row.strategy: row for row in (await _all(tmp_path, trees, cases, live=True, ablated=3)).rows}
    whole = {row.strategy: row for row in (await _all(tmp_path, trees, cases[:3], live=True)).rows}
    assert [found[each.name].tasks for each in STRATEGIES] == [8] * len(STRATEGIES)
    for name in (f"{BOTH.name}, first 3", f"{LARGE_ONLY.name}, first 3", *(each.name for each in ABLATIONS)):
        assert found[name].tasks == 3
    assert found[f"{LARGE_ONLY.name}, first 3"].exact == whole[LARGE_ONLY.name].exact
    none = (await _all(tmp_path, trees, cases, live=True, ablated=0)).rows
    assert [row.strategy for row in none] == [each.name for each in STRATEGIES]


async def test_tables_and_page_name_every_strategy(tmp_path: Path) -> None:
    trees = {"<one>": tree(tmp_path, "<one>", 4).root}
    cases = sample([tree(tmp_path / "again", "<one>", 4)], 4, seed=0)
    found = await _all(tmp_path, trees, cases, live=True)
    page = as_html(found)
    for row in found.rows:
        assert f"<td>{row.strategy}</td>" in page
        assert len(words.cells(found, row)) == len(words.COLUMNS)
    assert page.count("<svg") == 3
    assert "<one>" not in page
    assert "&lt;one&gt;" in page
    for outside in ("http://", "https://"):
        assert outside not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
            "http://creativecommons.org", ""
        )
    assert len(words.verdict(found)) == 3


def test_tasks_of_lines_and_statements_are_told_apart() -> None:
    assert {each.kind for each in (case("x"), case("x", kind=Kind.LINE))} == set(Kind)
