"""Why this completion: a climb in words."""

from __future__ import annotations

from rung.cascade.attempt import Bound, Climb, Step

_BOUNDS = {Bound.EXACT: "", Bound.AT_MOST: "≤ ", Bound.AT_LEAST: "≥ "}
_DECISIONS = {
    "skipped": "skipped",
    "private": "not asked: private",
    "over_budget": "not asked: over budget",
    "failed": "failed",
    "deadline": "out of time",
    "rejected": "not asked again",
    "below_theta": "climbed on",
    "nothing_to_add": "nothing to add",
    "adopted": "adopted",
    "adopted_unchecked": "adopted",
}


def explain(climb: Climb) -> str:
    """Markdown: what was shown, and for each rung its score against θ, the decision, time and money."""
    shown = f"**{climb.answer.rung}** answered" if climb.answer else "No rung had an answer"
    head = f"{shown}: a {climb.task.kind} task, {climb.seconds * 1000:.0f} ms, {money(climb.cost_usd)}."
    rows = [
        "| rung | score | θ | decision | why | ms | $ |",
        "|---|---|---|---|---|---|---|",
        *(_row(step, shown=step.attempt is not None and step.attempt is climb.answer) for step in climb.steps),
    ]
    if climb.task.retrieved:
        places = ", ".join(f"{chunk.path}:{chunk.first_line}" for chunk in climb.task.retrieved)
        rows += ["", f"Code that was found for it, as far as the prompts had room: {places}."]
    tested = [_tested(step) for step in climb.steps if step.attempt and step.attempt.self_test]
    return "\n".join([head, "", *rows, *(["", *tested] if tested else []), "", f"id {climb.id}"])


def as_json(climb: Climb) -> dict[str, object]:
    """The same for programs: what editors draw. Seconds, $; scores and θ in [0, 1]."""
    return {
        "id": climb.id,
        "kind": climb.task.kind,
        "seconds": climb.seconds,
        "usd": climb.cost_usd,
        "retrieved": [{"path": chunk.path, "line": chunk.first_line} for chunk in climb.task.retrieved],
        "answer": {"rung": climb.answer.rung, "text": climb.answer.text} if climb.answer else None,
        "steps": [
            {
                "rung": step.rung,
                "remote": step.remote,
                "decision": step.decision,
                "reason": step.reason,
                "theta": step.theta,
                "score": step.attempt.score if step.attempt else None,
                "score_is": step.attempt.bound if step.attempt else None,
                "text": step.attempt.text if step.attempt else None,
                "seconds": step.seconds,
                "engine_seconds": step.engine_seconds,
                "prompt_tokens": step.usage.prompt,
                "cached_tokens": step.usage.cached,
                "generated_tokens": step.usage.generated,
                "usd": step.cost_usd,
            }
            for step in climb.steps
        ],
    }


def money(usd: float) -> str:
    """$ with as many places as it takes to see something."""
    return "$0" if usd == 0 else f"${usd:.6f}" if usd < 0.01 else f"${usd:.2f}"


def _row(step: Step, *, shown: bool) -> str:
    score = _score(step)
    decision = "shown" if shown else _DECISIONS[step.decision]
    reason = step.reason.replace("|", "\\|").replace("\n", " ")
    return (
        f"| {step.rung} | {score} | {step.theta:.2f} | {decision} | {reason} "
        f"| {step.seconds * 1000:.0f} | {money(step.cost_usd)} |"
    )


def _tested(step: Step) -> str:
    assert step.attempt is not None
    test = step.attempt.self_test
    assert test is not None
    return (
        f"{step.rung} wrote {test.k} solutions and {test.test_lines} valid test lines; the best passes "
        f"{test.passed_lines}, and {test.agreement} solutions agree on one of them: "
        f"{test.passed_lines}·{test.agreement} / ({test.k}·{test.test_lines}) = {_score(step)}."
    )


def _score(step: Step) -> str:
    if step.attempt is None or step.attempt.score is None:
        return "–"
    return f"{_BOUNDS[step.attempt.bound]}{step.attempt.score:.2f}"
