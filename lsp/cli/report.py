"""`rung report`: what completions did, what they cost, and what the ladder saved."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rung.cascade.attempt import Decision
from rung.cascade.telemetry.database import Database
from rung.cascade.telemetry.errors import DatabaseUnusable
from rung.cascade.telemetry.figures import Latency, OutcomeFigures, Report
from rung.cascade.telemetry.outcome import Outcome
from rung.cascade.telemetry.report import compute_report
from rung.lsp.cli.page import page

_DAY_S = 86_400
_BAR_CELLS = 24


def report(
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Only the last DAYS times 24 hours.")] = None,
    project: Annotated[Path | None, typer.Option(metavar="DIR", help="Only the project with this root folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="Print a page for a browser.")] = False,
) -> None:
    """Show what completions did, what they cost and what the ladder saved."""
    if as_json and as_html:
        raise typer.BadParameter("--json and --html exclude each other.")
    database = Database()
    since = None if days is None else time.time() - days * _DAY_S
    try:
        figures = asyncio.run(_figures(database, since, project))
    except DatabaseUnusable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(figures), indent=2))
        return
    shown: RenderableType = _nothing(database.path, days, project)
    if figures.requests or figures.rungs:
        shown = render(figures, days)
    if as_html:
        typer.echo(page(Text(shown) if isinstance(shown, str) else shown))
    elif isinstance(shown, str):
        typer.echo(shown)
    else:
        Console().print(shown)


async def _figures(database: Database, since: float | None, project: Path | None) -> Report:
    try:
        return await database.read(lambda connection: compute_report(connection, since=since, project=project))
    finally:
        await database.close()


def _nothing(path: Path, days: int | None, project: Path | None) -> str:
    where = f" for the project {project}" if project else ""
    when = f" in the last {_plural(days, 'day')}" if days else ""
    if where or when:
        return f"No completions are recorded{where}{when}; `rung report` without options shows all that there are."
    return f"No completions are recorded yet in {path}: write some code with rung, then look again."


def render(figures: Report, days: int | None) -> RenderableType:
    """The whole report, for a rich console."""
    panel = Panel(_headline(figures), title=_title(figures, days), title_align="left", expand=False)
    tables = (
        _completions(figures),
        _outcomes(figures.outcomes),
        _latency(figures),
        _decisions(figures),
        _money(figures),
    )
    return Group(panel, *(Padding(table, (1, 0, 0, 0)) for table in tables), Padding(_basis(figures), (1, 0, 0, 2)))


def _title(figures: Report, days: int | None) -> Text:
    when = f"the last {_plural(days, 'day')}" if days else "all time"
    return Text(f"rung · {when}" + (f" · {figures.project}" if figures.project else ""))


def _headline(figures: Report) -> Text:
    line = Text.assemble(
        (f"{figures.requests:,}", "bold"),
        " request · " if figures.requests == 1 else " requests · ",
        (f"{figures.answered:,}", "bold"),
        " answered · ",
        (_percent(figures.outcomes.acceptance_rate), "bold"),
        " of the shown accepted · ",
        (_percent(figures.escalation_rate), "bold"),
        " escalated\n",
        (_usd(figures.spent_usd), "bold"),
        " spent",
    )
    share = figures.saved_share
    if share is not None:
        word, style = ("less", "bold green") if share >= 0 else ("more", "bold red")
        line.append(", about ").append(f"{_percent(abs(share))} {word}", style)
        line.append(f" than always asking {_top_names(figures)} (an estimate)")
    return line


def _completions(figures: Report) -> Table:
    table = _table("Completions", "kind", "trigger")
    for name in ("requests", "answered", ""):
        table.add_column(name, justify="right")
    for row in figures.kinds:
        share = row.answered / row.requests
        table.add_row(
            row.kind, row.trigger.replace("_", " "), f"{row.requests:,}", f"{row.answered:,}", _percent(share)
        )
    return table


def _outcomes(outcomes: OutcomeFigures) -> Table:
    table = _table("What became of what was shown", "outcome")
    table.add_column("answers", justify="right")
    table.add_column("of shown", justify="right")
    table.add_column("")
    for outcome in Outcome:
        number = outcomes.counts[outcome.value]
        share = number / outcomes.shown if outcomes.shown else None
        style = "green" if outcome in (Outcome.ACCEPTED, Outcome.PARTLY_ACCEPTED, Outcome.TYPED_THROUGH) else "dim"
        bar = Text("█" * round((share or 0) * _BAR_CELLS), style)
        table.add_row(outcome.value.replace("_", " "), f"{number:,}", _percent(share), bar)
    table.add_row(Text("not reported", "dim"), f"{outcomes.unreported:,}", "", Text("most were never shown", "dim"))
    return table


def _latency(figures: Report) -> Table:
    table = _table("Seconds", "rung")
    for name in ("answers", "p50", "p90", "p99", "mean score", "accepted"):
        table.add_column(name, justify="right")
    for rung in figures.rungs:
        score = "–" if rung.mean_score is None else f"{rung.mean_score:.2f}"
        table.add_row(Text(rung.rung), *_times(rung.latency), score, _percent(rung.outcomes.acceptance_rate))
    whole = _times(figures.latency)
    table.add_row("whole request", *whole, "", _percent(figures.outcomes.acceptance_rate), style="bold")
    return table


def _decisions(figures: Report) -> Table:
    """Only the decisions that were taken, in the order in which a climb asks."""
    table = _table("Decisions at each rung", "rung")
    taken = [decision for decision in Decision if any(decision.value in rung.decisions for rung in figures.rungs)]
    for decision in taken:
        table.add_column(decision.value.replace("_", " "), justify="right")
    for rung in figures.rungs:
        table.add_row(Text(rung.rung), *(f"{rung.decisions.get(decision.value, 0):,}" for decision in taken))
    return table


def _money(figures: Report) -> Table:
    table = _table("Money", "rung")
    for name in ("asked", "spent", "of it not counted"):
        table.add_column(name, justify="right")
    for rung in figures.rungs:
        bound = _usd(rung.at_bound_usd) if rung.at_bound_usd else ""
        table.add_row(Text(rung.rung), f"{rung.asked:,}", _usd(rung.spent_usd), bound)
    table.add_section()
    table.add_row("spent", "", _usd(figures.spent_usd), style="bold")
    if figures.always_top.prices:
        table.add_row(Text(f"always asking {_top_names(figures)}"), "", f"≈ {_usd(figures.always_top.usd)}")
    if figures.saved_share is not None:
        word = "saved" if figures.saved_share >= 0 else "spent more"
        table.add_row(word, "", f"≈ {_percent(abs(figures.saved_share))}", style="bold")
    return table


def _basis(figures: Report) -> Text:
    """What the estimate rests on, and what is weak about it."""
    top = figures.always_top
    lines: list[str] = []
    if top.prices:
        lines.append(
            f"≈ is an estimate. Counted: {_usd(top.counted_usd)} in {_plural(top.counted_requests, 'request')} that "
            f"came to the top rung. Estimated: {_usd(top.estimated_usd)} in "
            f"{_plural(top.estimated_requests, 'other request')}, as tokens of prompt and answer of the rung that "
            "answered, times the top rung's price. A small rung often gets a shorter prompt, so the true amount is "
            "rather higher."
        )
        lines.extend(
            f"  {price.rung}: {price.input_usd:g} $ in, {price.output_usd:g} $ out per million tokens "
            f"({_plural(price.requests, 'request')})"
            for price in top.prices
        )
    if top.without_basis:
        lines.append(f"{_plural(top.without_basis, 'request')} had nothing to estimate from and count as free there.")
    if any(rung.at_bound_usd for rung in figures.rungs):
        lines.append("Not counted: the request was cut off after it was sent; the most it can have cost is taken.")
    uncounted = sum(rung.uncounted for rung in figures.rungs)
    if uncounted:
        lines.append(f"{_plural(uncounted, 'answer')} came without the server's count of tokens; rung estimated them.")
    if any(value is None for value in (figures.latency.p90, figures.latency.p99)):
        lines.append("– in a time: too few answers (p90 takes 10, p99 takes 100).")
    return Text("\n".join(lines), "dim")


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold cyan", header_style="dim", box=None, padding=(0, 2)
    )
    for column in columns:
        table.add_column(column)
    return table


def _times(latency: Latency) -> tuple[str, ...]:
    values = (latency.p50, latency.p90, latency.p99)
    return (f"{latency.samples:,}", *("–" if value is None else f"{value:.2f}" for value in values))


def _top_names(figures: Report) -> str:
    """A user may have had several top rungs over time."""
    return " / ".join(dict.fromkeys(price.rung for price in figures.always_top.prices)) or "the top rung"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _usd(usd: float) -> str:
    """Cents, or two significant digits below: single completions cost millionths."""
    if usd == 0 or abs(usd) >= 1:
        return f"{usd:,.2f} $"
    return f"{usd:.4f} $" if abs(usd) >= 0.001 else f"{usd:.2g} $"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
