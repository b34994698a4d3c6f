"""How long requests wait follows what the last answers took."""

from __future__ import annotations

from rung.cascade.attempt import Attempt, Climb, Decision, Step
from rung.cascade.task import Task, TaskKind
from rung.lsp.server.patience import LOCAL_MOST_S, REMOTE_MOST_S, Patience


def took(seconds: float, *, remote: bool = False) -> Climb:
    attempt = Attempt("rung", "text", 1.0)
    step = Step("rung", remote, Decision.ADOPTED, "", 0.5, attempt, seconds=seconds)
    return Climb("id", Task(TaskKind.LINE, "x", ""), (step,), attempt, seconds)


def test_a_fast_local_model_is_asked_at_once_and_a_slow_one_waits_for_a_pause() -> None:
    patience = Patience()
    assert patience.before_local == 0.0
    for _ in range(20):
        patience.answered(took(2.0))
    assert 0.0 < patience.before_local <= LOCAL_MOST_S
    for _ in range(20):
        patience.answered(took(0.1))
    assert patience.before_local == 0.0


def test_a_remote_model_always_waits_for_a_pause_where_nothing_is_known_of_the_hand() -> None:
    assert 0.0 < Patience().before_remote <= REMOTE_MOST_S


def test_a_rung_that_came_to_no_attempt_says_nothing_of_its_speed() -> None:
    patience = Patience()
    step = Step("rung", False, Decision.FAILED, "", 0.5, seconds=20.0)
    patience.answered(Climb("id", Task(TaskKind.LINE, "x", ""), (step,), None, 20.0))
    assert patience.local_s == 0.0
