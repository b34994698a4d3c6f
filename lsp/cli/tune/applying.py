"""The work of `rung tune apply`. Apart, as it loads numpy, which the language server does not need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rung.cascade.config import Settings, load
from rung.cascade.config.editing import FunctionSettings, edit
from rung.cascade.tune import results
from rung.cascade.tune.results import Results
from rung.cascade.tune.study import Point
from rung.cascade.tune.words import interval_text, plan_text, shares_text, verdict
from rung.lsp.cli.tune.options import Refused, results_path


def apply_point(budget: float, set_name: str, folder: Path, *, yes: bool) -> None:
    """Shows it, asks, and writes it. Raises what `explained` explains."""
    study = results.read(results_path(folder, set_name))
    point = _affordable(study, budget)
    settings = load(Path.cwd())
    rungs = _settings_of(study, point, settings)
    file = _file_of(settings)
    Console(width=120, highlight=False).print(_shown(study, point))
    for sentence in _cautions(study, point):
        typer.echo(sentence)
    if not yes:
        typer.confirm(f"Write k, l and θ of functions into {file}?", abort=True)
    edit(file, rungs, point.theta)
    typer.echo(f"{file} is written. Line completion stays as it was.")
    _check(file, rungs, point.theta)


def _affordable(study: Results, budget: float) -> Point:
    within = [point for point in study.study.cascade if point.dollars * 1000 <= budget * (1 + 1e-6)]
    if not within:
        least = study.study.cascade[0].dollars * 1000
        raise Refused(f"No setting costs as little as ${budget:g} per 1,000; the cheapest costs ${least:.8g}.")
    return within[-1]


def _settings_of(study: Results, point: Point, settings: Settings) -> list[FunctionSettings]:
    """For every rung of the configured ladder. Raises Refused where it is another ladder than the study's."""
    configured = [rung.name for rung in settings.config.ladder]
    plan = {rung.name: option for rung, option in zip(study.rungs, point.plan, strict=True)}
    used = [name for name, option in plan.items() if not option.skips]
    missing = [name for name in used if name not in configured]
    if missing:
        raise Refused(
            f"The configured ladder has no rung {missing[0]!r}, which this setting uses; add it, or run the study "
            "without it."
        )
    if [name for name in configured if name in used] != used:
        raise Refused(f"The configured ladder has these rungs in another order than the study: {', '.join(used)}.")
    return [
        FunctionSettings(name, plan[name].k, plan[name].l) if name in used else FunctionSettings(name, -1, 0)
        for name in configured
    ]


def _file_of(settings: Settings) -> Path:
    """Where the ladder is written; the user's own file where it is nowhere."""
    return settings.origin["ladder[0].name"].file or settings.user_file


def _shown(study: Results, point: Point) -> Table:
    best = study.study.best_single
    table = Table(box=box.MARKDOWN)
    for column in ("", "setting", "accuracy", "$ per 1,000", "answered by"):
        table.add_column(column, justify="right" if column in ("accuracy", "$ per 1,000") else "left")
    for name, each in (("chosen", point), ("best single model", best)):
        setting = plan_text(study, each.plan) + (f", θ = {each.theta:g}" if name == "chosen" else "")
        cost = f"{each.dollars * 1000:.4f}"
        table.add_row(name, Text(setting), f"{each.accuracy:.1%}", cost, Text(shares_text(study, each.shares)))
    return table


def _cautions(study: Results, point: Point) -> list[str]:
    best, worth = study.study.best_single, study.study.worth["global"]
    saved = 1 - point.dollars / best.dollars if best.dollars else 0.0
    less = "less" if saved >= 0 else "more"
    better = "more" if point.accuracy >= best.accuracy else "less"
    return [
        f"It costs {abs(saved):.1%} {less} than the most accurate single model and is "
        f"{abs(point.accuracy - best.accuracy):.1%} {better} accurate, on the {study.study.problems} problems that "
        "chose it.",
        f"On problems that did not choose it, a ladder chosen like this saved {interval_text(worth.saved)} and gained "
        f"{interval_text(worth.gained)} in accuracy (mean and middle 95% of {study.splits} splits).",
        *verdict(study),
    ]


def _check(file: Path, rungs: Sequence[FunctionSettings], theta: float) -> None:
    """A project's file that was trusted is another one now, and another layer may say otherwise."""
    now = load(Path.cwd())
    wanted = {settings.rung: settings.k for settings in rungs}
    same = {rung.name: rung.k for rung in now.config.ladder} == wanted and now.config.theta.function == theta
    if same:
        return
    if now.project_file is not None and file == now.project_file and not now.trusted:
        typer.echo("It counts after `rung trust`, which asks again after each change.")
    else:
        typer.echo("Another file overrides it for this folder; `rung config show` says which.")
