"""The figures over what was typed, and what the user sees."""

from __future__ import annotations

import math

import pytest

from rung.cascade.bench.typing.figures import Act, Replay, Spent, difference, figures, percentile
from rung.cascade.bench.typing.keys import Key, KeyKind
from rung.cascade.bench.typing.screen import Screen

NOT_TOLD = Spent(None, None, None)


def replay(tool: str, written: int, acts: list[Act], spent: Spent) -> Replay:
    return Replay(tool, "a", 100, written, accepts=2, keys=len(acts) - 2, acts=acts, spent=spent, other_share=0.01)


def test_the_figures_of_written_out_replays() -> None:
    acts = [Act(0.1, 0.1), Act(0.3, 0.0, from_memory=True), Act(None, 0.2), Act(None, None, nothing=True)]
    found = figures([replay("rung", 30, acts, Spent(40, 20, 3)), replay("rung", 10, acts, Spent(40, 20, 1))])
    assert (found.stretches, found.characters, found.acts, found.accepts) == (2, 200, 8, 4)
    assert (found.written, found.characters_per_act, found.keys_per_character) == (0.2, 5.0, 0.04)
    assert (found.answered, found.nothing, found.shown) == (0.5, 0.25, 0.75)
    assert (found.p50_s, found.p90_s) == (0.1, 0.3)
    assert (found.all_p50_s, found.all_p90_s) == (0.3, math.inf)
    assert (found.shown_p50_s, found.shown_p90_s) == (0.1, math.inf)
    assert (found.memory, found.evaluated_per_key, found.generated_per_key) == (0.5, 10.0, 5.0)
    assert found.other_share == 0.01


def test_what_one_replay_does_not_tell_is_not_told_of_all() -> None:
    found = figures([replay("a", 1, [Act()], Spent(1, 1, 1)), replay("a", 1, [Act()], NOT_TOLD)])
    assert (found.memory, found.evaluated_per_key, found.p50_s) == (None, None, None)


def test_the_difference_of_two_tools_holds_zero_where_stretches_disagree() -> None:
    ours = [replay("a", written, [Act()], NOT_TOLD) for written in (10, 30, 20)]
    theirs = [replay("b", written, [Act()], NOT_TOLD) for written in (20, 10, 15)]
    there, low, high = difference(ours, theirs)
    assert there == pytest.approx(0.05)
    assert low < 0 < there < high
    assert difference(ours, ours) == (0, 0, 0)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert [percentile([4, 1, 3, 2], share) for share in (0.25, 0.5, 0.51, 1)] == [1, 2, 3, 4]
    assert percentile([1, math.inf], 0.9) == math.inf
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_an_offer_stays_as_long_as_it_is_typed_and_is_seen_since_it_came() -> None:
    told: list[str] = []
    screen = Screen(lambda: told.append(screen.offer))
    screen.show("return a\n    b", 1.0)
    screen.typed(Key(KeyKind.WITHIN, 0, "re"))
    assert (screen.offer, screen.since) == ("turn a\n    b", 1.0)
    screen.show("turn a\n    c", 2.0)
    assert (screen.offer, screen.since) == ("turn a\n    c", 1.0)
    screen.show("turn b", 3.0)
    assert screen.since == 3.0
    screen.typed(Key(KeyKind.BLANK, 4, ""))
    assert screen.offer == ""
    assert told == ["return a\n    b", "turn a\n    c", "turn b"]
