"""The figures of `rung bench engine`, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from rung.lsp.bench import overhead
from rung.lsp.bench.serve_memory import TOGETHER
from rung.models.bench.children import RAW
from rung.models.bench.own_engine import NAME
from rung.models.bench.series import Series, find, percentile, ratio
from rung.models.bench.target import Target, engine_targets

_LIMIT_MB = 500.0
_COUNTED = ("tokens", "texts")


def figures(series: Sequence[Series]) -> Table:
    """Medians over the rounds, and rung's over raw llama.cpp's as the median of the ratios within the rounds."""
    contestants = list(dict.fromkeys(one.contestant for one in series))
    table = Table(box=box.MARKDOWN)
    table.add_column("median of the rounds")
    for name in (*contestants, f"{NAME} / {RAW}"):
        table.add_column(name, justify="right")
    for quantity in dict.fromkeys(one.quantity for one in series):
        found = {name: find(series, quantity, name) for name in contestants}
        unit = next(one.unit for one in found.values() if one)
        cells = [_number(one.median, unit) if one else "" for one in found.values()]
        table.add_row(f"{quantity}, {unit}" if unit != "×" else quantity, *cells, _over_raw(found))
    return table


def targets_table(targets: Sequence[Target]) -> Table:
    """Of those that were measured."""
    table = Table(box=box.MARKDOWN)
    for column in ("target", "bound", "measured", ""):
        table.add_column(column, justify="left" if column in ("target", "") else "right")
    for target in targets:
        if target.measured is not None:
            bound = f"{target.side} {_with_unit(target.bound, target.unit)}"
            verdict = "met" if target.met else "missed"
            table.add_row(target.claim, bound, _with_unit(target.measured, target.unit), verdict)
    return table


def all_targets(series: Sequence[Series]) -> list[Target]:
    """Those of the engine, and those of the server with it."""
    over = find(series, overhead.OVERHEAD, NAME)
    together = find(series, TOGETHER, NAME)
    return [
        *engine_targets(series),
        Target("server's overhead, p50", 5.0, "at most", "ms", percentile(over.values, 0.5) if over else None),
        Target("server's overhead, p99", 10.0, "at most", "ms", percentile(over.values, 0.99) if over else None),
        Target(TOGETHER, _LIMIT_MB, "at most", "MB", together.median if together else None),
    ]


def _over_raw(found: dict[str, Series | None]) -> str:
    own, raw = found.get(NAME), found.get(RAW)
    return f"{ratio(own, raw):.2f}" if own and raw else ""


def _with_unit(value: float, unit: str) -> str:
    return f"{_number(value, unit)} {unit}" if unit != "×" else f"{value:.2f} ×"


def _number(value: float, unit: str) -> str:
    if unit == "×":
        return f"{value:.2f}"
    if unit in _COUNTED:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
