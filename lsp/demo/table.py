"""The demo's table: a row for each completion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from rung.lsp.demo.tasks import DemoTask
from rung.lsp.explanation import money

_TASK, _WIDE = 21, 110
_LEAST, _MOST = 8, 34
_NUMBERS = 34 + 7 * 3  # the other columns, and what stands between all of them


def new_table(title: str, width: int) -> Table:
    """width: columns of the terminal; the texts get what the numbers leave."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    task = _TASK if width >= _WIDE else _TASK // 2
    text = max(_LEAST, min(_MOST, (width - task - _NUMBERS) // 2))
    table.add_column("task", no_wrap=True, width=task)
    table.add_column("small rung wrote", no_wrap=True, width=text)
    table.add_column("score / θ", no_wrap=True, width=11)
    table.add_column("and then", no_wrap=True, width=8)
    table.add_column("shown", no_wrap=True, width=text)
    table.add_column("ms", justify="right", no_wrap=True, width=6)
    table.add_column("$", justify="right", no_wrap=True, width=9)
    return table


def add(table: Table, task: DemoTask, why: Mapping[str, Any], shown: str | None) -> None:
    """why: the server's account of the climb."""
    first = why["steps"][0]
    score, theta = first["score"], first["theta"]
    table.add_row(
        task.title,
        _code(first["text"]),
        Text("–" if score is None else f"{score:.2f} / {theta:.2f}", "green" if (score or 0) >= theta else "yellow"),
        _then(why),
        _code(shown),
        f"{why['seconds'] * 1000:,.0f}",
        money(why["usd"]),
    )


def climbed(why: Mapping[str, Any]) -> bool:
    """Whether the small rung's score sent it up."""
    return bool(why["steps"][0]["decision"] == "below_theta" and len(why["steps"]) > 1)


def stayed(why: Mapping[str, Any]) -> bool:
    return bool(why["steps"][0]["decision"] == "adopted")


def _then(why: Mapping[str, Any]) -> Text:
    if stayed(why):
        return Text("shown", "green")
    if climbed(why):
        return Text(f"→ {why['steps'][1]['rung']}", "yellow")
    return Text(why["steps"][-1]["reason"])


def _code(text: str | None) -> Text:
    lines = [line.strip() for line in (text or "").split("\n") if line.strip()]
    if not lines:
        return Text("(nothing)", "dim")
    return Text(lines[0] + (" …" if len(lines) > 1 else ""), overflow="ellipsis")
