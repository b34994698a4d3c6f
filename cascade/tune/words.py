"""What a study is called in tables and plots."""

from __future__ import annotations

from collections.abc import Sequence

from rung.cascade.tune.plan import Option
from rung.cascade.tune.results import Results
from rung.cascade.tune.splitting import Level
from rung.cascade.tune.study import Interval

LEVEL_NAMES: dict[Level, str] = {"global": "one θ", "rung": "θ per rung", "option": "θ per (rung, k, l)"}


def plan_text(results: Results, plan: Sequence[Option]) -> str:
    """The rungs that are used, each with its k and l."""
    used = [
        f"{rung.name} k={option.k}" + (f" l={option.l}" if option.tests else "")
        for rung, option in zip(results.rungs, plan, strict=True)
        if not option.skips
    ]
    return " → ".join(used)


def shares_text(results: Results, shares: Sequence[float]) -> str:
    """How often each rung answers, those that do."""
    return ", ".join(
        f"{rung.name} {share:.0%}" for rung, share in zip(results.rungs, shares, strict=True) if share >= 0.005
    )


def interval_text(interval: Interval) -> str:
    return f"{interval.mean:+.1%} ({interval.low:+.1%} … {interval.high:+.1%})"


def verdict(results: Results) -> list[str]:
    """What must not be overlooked, such as a rung that earns no place (Chen et al. 2024, section 4.1)."""
    lines = []
    worth = results.study.worth["global"]
    for rung, share in zip(results.rungs, worth.uses, strict=True):
        if share < 0.5:
            lines.append(
                f"{rung.name} is part of the chosen ladder in only {share:.0%} of the splits: on these problems it "
                "earns no place."
            )
    if worth.saved.low <= 0:
        lines.append("The interval of the cost saved reaches 0: these problems do not show that a ladder saves.")
    if worth.gained.low < 0:
        lines.append(
            f"On problems that did not choose it, the ladder is {-worth.gained.mean:.1%} less accurate than the single "
            "model on average: that it is no less accurate holds for the 30% that chose it."
            if worth.gained.mean < 0
            else "The interval of the accuracy gained reaches below 0."
        )
    if not all(rung.counted for rung in results.rungs):
        lines.append("Some tokens are estimates, and so are the costs of these rungs.")
    return lines
