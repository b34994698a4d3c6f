"""A climb as rows of the database."""

from __future__ import annotations

from rung.cascade.attempt import Attempt, Climb, Step
from rung.cascade.ladder import Ladder
from rung.cascade.telemetry.always_top import answering_step, asked_cost, basis, was_asked
from rung.cascade.telemetry.project import storable
from rung.cascade.trigger import Trigger

Value = str | int | float | None
Row = dict[str, Value]

PREFIX_CHARACTERS = 2000
SUFFIX_CHARACTERS = 500

_MOST = 10**12
"""Counts from a server are cut off here, so that no sum of them overflows."""


def request_row(climb: Climb, trigger: Trigger, ladder: Ladder) -> Row:
    """The columns of `requests` but for `at`, `project` and the outcome."""
    top = ladder.rungs[-1] if ladder.rungs else None
    estimate = basis(climb, top.name) if top else None
    return {
        "id": storable(climb.id),
        "language": storable(climb.task.language),
        "kind": climb.task.kind,
        "trigger": trigger,
        "decision": _decision(climb),
        "answered_by": storable(climb.answer.rung) if climb.answer else None,
        "score": climb.answer.exact_score if climb.answer else None,
        "asked": sum(map(was_asked, climb.steps)),
        "seconds": climb.seconds,
        "cost_usd": climb.cost_usd,
        "top_rung": storable(top.name) if top else None,
        "top_input_usd": top.price.input_usd if top else None,
        "top_output_usd": top.price.output_usd if top else None,
        "top_cost_usd": asked_cost(climb, top.name) if top else None,
        "basis_prompt": count(estimate.prompt) if estimate else None,
        "basis_answer": count(estimate.answer) if estimate else None,
    }


def step_rows(climb: Climb) -> list[Row]:
    """The rows of `steps`, in the order of the climb."""
    return [
        {
            "request_id": storable(climb.id),
            "position": position,
            "rung": storable(step.rung),
            "remote": step.remote,
            "decision": step.decision,
            "asked": was_asked(step),
            "theta": step.theta,
            **_spent_columns(step),
            **_attempt_columns(step.attempt),
        }
        for position, step in enumerate(climb.steps)
    ]


def text_row(climb: Climb) -> Row:
    """The row of `texts`: what was around the cursor, and the answer."""
    return {
        "request_id": storable(climb.id),
        "prefix": storable(climb.task.prefix[-PREFIX_CHARACTERS:]),
        "suffix": storable(climb.task.suffix[:SUFFIX_CHARACTERS]),
        "answer": storable(climb.answer.text) if climb.answer else None,
    }


def step_text_rows(climb: Climb) -> list[Row]:
    """The rows of `step_texts`. A reason may name a file, or quote a server that quotes the prompt."""
    return [
        {"request_id": storable(climb.id), "position": position, "reason": storable(step.reason)}
        for position, step in enumerate(climb.steps)
    ]


def count(tokens: int) -> int:
    """What a server counted, within the bounds of a number that can be summed."""
    return min(max(tokens, 0), _MOST)


def _decision(climb: Climb) -> str | None:
    step = answering_step(climb)
    if step is None and climb.steps:
        step = climb.steps[-1]
    return step.decision if step else None


def _spent_columns(step: Step) -> Row:
    usage = step.usage
    return {
        "prompt": count(usage.prompt),
        "cached": count(usage.cached),
        "generated": count(usage.generated),
        "accepted_draft": count(usage.accepted_draft),
        "rejected_draft": count(usage.rejected_draft),
        "counted": usage.counted,
        "seconds": step.seconds,
        "cost_usd": step.cost_usd,
    }


def _attempt_columns(attempt: Attempt | None) -> Row:
    """NULL where there was no attempt or no self-test."""
    test = attempt.self_test if attempt else None
    return {
        "score": attempt.exact_score if attempt else None,
        "k": test.k if test else None,
        "test_lines": test.test_lines if test else None,
        "passed_lines": test.passed_lines if test else None,
        "agreement": test.agreement if test else None,
    }
