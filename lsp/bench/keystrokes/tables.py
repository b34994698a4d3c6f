"""The figures of `rung bench keystrokes`, for a terminal, a page and a program."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.table import Table

from rung.cascade.bench.typing.figures import Figures, Replay, difference, figures
from rung.lsp.bench.engine_record import machine
from rung.lsp.bench.keystrokes.run import Run
from rung.models.bench.series import Series, percentile

_ROWS: Mapping[str, Callable[[Figures], str]] = {
    "characters written by the tool": lambda f: f"{f.written:.1%}",
    "characters written per opportunity": lambda f: f"{f.characters_per_act:.2f}",
    "keys pressed per character": lambda f: f"{f.keys_per_character:.2f}",
    "opportunities": lambda f: f"{f.acts:,}",
    "offers accepted": lambda f: f"{f.accepts:,}",
    "answered with a text before the next key": lambda f: f"{f.answered:.1%}",
    "answered with nothing": lambda f: f"{f.nothing:.1%}",
    "something on the screen before the next key": lambda f: f"{f.shown:.1%}",
    "keystroke to answer, p50, ms": lambda f: _ms(f.p50_s),
    "keystroke to answer, p90, ms": lambda f: _ms(f.p90_s),
    "… with the unanswered, p50, ms": lambda f: _ms(f.all_p50_s),
    "… with the unanswered, p90, ms": lambda f: _ms(f.all_p90_s),
    "keystroke to screen, with those that saw nothing, p50, ms": lambda f: _ms(f.shown_p50_s),
    "keystroke to screen, with those that saw nothing, p90, ms": lambda f: _ms(f.shown_p90_s),
    "answered from memory": lambda f: _share(f.memory),
    "tokens evaluated per keystroke": lambda f: _number(f.evaluated_per_key),
    "tokens generated per keystroke": lambda f: _number(f.generated_per_key),
    "processor of the other meanwhile, at most, of a core": lambda f: _share(f.other_share),
}


def by_tool(replays: Sequence[Replay]) -> list[Figures]:
    """Of each tool, in the order in which they came."""
    return [figures(found) for found in _of_tools(replays)]


def difference_line(replays: Sequence[Replay]) -> str:
    """How far the tools are apart, and how sure that is; empty where there is only one."""
    tools = _of_tools(replays)
    if len(tools) < 2:
        return ""
    there, low, high = (100 * value for value in difference(*tools))
    first, second = (replays_of[0].tool for replays_of in tools)
    return (
        f"Characters written, {first} less {second}: {there:+.1f} points "
        f"(95% interval over the stretches: {low:+.1f} to {high:+.1f})."
    )


def tools_table(found: Sequence[Figures]) -> Table:
    """Beside each other."""
    table = Table(box=box.MARKDOWN)
    first = found[0]
    table.add_column(f"{first.stretches} stretches, {first.characters:,} characters")
    for one in found:
        table.add_column(one.tool, justify="right")
    for name, cell in _ROWS.items():
        table.add_row(name, *(cell(one) for one in found))
    return table


def server_table(series: Sequence[Series]) -> Table:
    table = Table(box=box.MARKDOWN)
    for column in ("server", "p50", "p99", "", "times"):
        table.add_column(column, justify="left" if column in ("server", "") else "right")
    for one in series:
        values = [f"{percentile(one.values, share):.2f}" for share in (0.5, 0.99)]
        table.add_row(one.quantity, *values, one.unit, f"{len(one.values):,}")
    return table


def record(run: Run, asked: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON: the figures, and every act they are of. asked: what the command was told."""
    return {
        "machine": machine(),
        "asked": dict(asked),
        "tools": [_finite(asdict(one)) for one in by_tool(run.replays)],
        "replays": [asdict(replay) for replay in run.replays],
        "server": [asdict(one) for one in run.series],
        "notes": run.notes,
    }


def _of_tools(replays: Sequence[Replay]) -> list[list[Replay]]:
    tools = dict.fromkeys(replay.tool for replay in replays)
    return [[replay for replay in replays if replay.tool == tool] for tool in tools]


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity: the text "none" stands for a rank that no answer reached."""
    return {name: "none" if value == math.inf else value for name, value in values.items()}


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.1f}" if math.isfinite(seconds) else "none"


def _share(share: float | None) -> str:
    return "not told" if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return "not told" if value is None else f"{value:.1f}"
