"""A study as tables in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rung.cascade.tune.results import Results
from rung.cascade.tune.study import Point
from rung.cascade.tune.words import LEVEL_NAMES, interval_text, plan_text, shares_text, verdict


def summary(results: Results) -> RenderableType:
    """What each rung does alone, the ladders that are worth having, and what choosing them is worth."""
    study = results.study
    return Group(
        Text(
            f"{results.set}: {study.problems} of {results.of} problems, {study.settings:,} settings in "
            f"{study.seconds:.1f} s. Best θ = {study.theta:g}.\n"
        ),
        _rungs(results),
        Text("\nEach rung alone"),
        _alone(results),
        Text(f"\nPareto points of all ladders at θ = {study.theta:g}, on all problems"),
        _points(results, study.cascade),
        Text("\nPareto points of single models"),
        _points(results, study.single),
        Text(
            f"\nChosen by 30% of the problems, judged on the other 70%: mean and middle 95% of {results.splits} splits"
        ),
        _worth(results),
        Text("\n" + "\n".join(verdict(results))),
    )


def _rungs(results: Results) -> Table:
    table = _table("rung", "model", "$ per million in", "out", "price from", "tokens", "samples", "s a call", left=2)
    for rung in results.rungs:
        table.add_row(
            Text(rung.name),
            Text(rung.model),
            f"{rung.price.input_usd:.4g}",
            f"{rung.price.output_usd:.4g}",
            rung.price_from,
            "counted" if rung.counted else "estimated",
            f"{rung.samples}{' and greedy' if rung.greedy else ''}",
            f"{rung.seconds:.2f}",
        )
    return table


def _alone(results: Results) -> Table:
    table = _table("rung", "k", "l", "pass@1 of what is adopted", "mean score", "$ per 1,000", left=1)
    for each in results.study.alone:
        table.add_row(
            Text(results.rungs[each.rung].name),
            str(each.option.k),
            str(each.option.l),
            f"{each.accuracy:.1%}",
            f"{each.score:.3f}" if each.option.tests else "",
            f"{each.dollars * 1000:.4f}",
        )
    return table


def _points(results: Results, points: Sequence[Point]) -> Table:
    table = _table("ladder", "accuracy", "$ per 1,000", "answered by", left=1)
    for point in points:
        table.add_row(
            Text(plan_text(results, point.plan)),
            f"{point.accuracy:.1%}",
            f"{point.dollars * 1000:.4f}",
            Text(shares_text(results, point.shares)),
        )
    return table


def _worth(results: Results) -> Table:
    table = _table("thresholds", "cost saved", "accuracy gained", "accuracy bought at equal budgets", left=1)
    for level, name in LEVEL_NAMES.items():
        worth = results.study.worth[level]
        table.add_row(name, interval_text(worth.saved), interval_text(worth.gained), interval_text(worth.bought))
    return table


def _table(*columns: str, left: int) -> Table:
    table = Table(box=box.MARKDOWN)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < left else "right")
    return table
