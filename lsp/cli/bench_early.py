"""`rung bench early`: what deciding a self-test early saves, at equal answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from rung.cascade.bench.data import spread
from rung.cascade.bench.problem import Problem
from rung.cascade.bench.replay import Outcome, measure_early
from rung.cascade.sandbox import Sandbox
from rung.cascade.tune.recording import Recording, read
from rung.lsp.cli.bench_bars import bars, beginning
from rung.lsp.cli.tune.options import Refused, SetOption, configuration, explained, problems_of


def early(
    recording: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Of `rung tune record`.")],
    set_name: SetOption = "humaneval",
    ks: Annotated[list[int] | None, typer.Option("--k", min=1, help="Repeat it; left out, 1, 3, 5 and 10.")] = None,
    l: Annotated[int, typer.Option(min=1, max=16, help="Test lines of a test text.")] = 4,  # noqa: E741
    thetas: Annotated[
        list[float] | None, typer.Option("--theta", min=0, max=1, help="Repeat it; left out, 0.3, 0.5 and 0.8.")
    ] = None,
    count: Annotated[int, typer.Option("--problems", min=1, help="Evenly spaced.")] = 60,
    step_ms: Annotated[
        float, typer.Option(min=0.1, help="Of a step of the decoding: one token of each sample.")
    ] = 10.0,
) -> None:
    """Replay a recording token by token: tokens and steps of the self-test, whole and decided early."""
    with explained("Stopped."):
        found = read(recording)
        if any(not sample.tokens for entry in found.entries.values() for sample in entry.samples if sample.generated):
            raise Refused(f"{recording} has no tokens, only texts.")
        problems = problems_of(set_name, configuration())
        chosen = spread([problem for problem in problems.problems if found.complete(problem.id)], count)
        usable = [k for k in ks or (1, 3, 5, 10) if k <= found.header.k]
        if found.header.set != problems.name or not chosen or not usable:
            raise Refused(
                f"{recording} has {found.header.k} samples of {found.header.set}: none of {problems.name} with these k."
            )
        table = asyncio.run(_table(chosen, found, usable, l, thetas or [0.3, 0.5, 0.8], step_ms / 1000))
    Console(width=120).print(table)


async def _table(
    problems: Sequence[Problem],
    recording: Recording,
    ks: Sequence[int],
    l: int,  # noqa: E741
    thetas: Sequence[float],
    step_s: float,
) -> Table:
    sandbox = await asyncio.to_thread(Sandbox.find)
    table = Table(box=box.MARKDOWN)
    for column in (
        "k",
        "θ",
        "equal answers",
        "adopted",
        "tokens to the limit",
        "to l lines",
        "early",
        "saved",
        "steps saved",
        "s whole",
        "s early",
    ):
        table.add_column(column, justify="right")
    with bars() as progress:
        step = beginning(progress)(f"{recording.header.rung}, l = {l}", len(ks) * len(thetas) * len(problems))
        for k in ks:
            for theta in thetas:
                outcomes = []
                for problem in problems:
                    outcomes.append(await measure_early(problem, recording, k, l, theta, sandbox, step_s))
                    step()
                table.add_row(str(k), f"{theta:g}", *_row(outcomes))
    return table


def _row(outcomes: Sequence[Outcome]) -> list[str]:
    equal = sum(outcome.whole_text == outcome.early_text for outcome in outcomes)
    recorded, whole, early = (
        sum(values)
        for values in zip(
            *((each.recorded_tokens, each.whole_tokens, each.early_tokens) for each in outcomes), strict=True
        )
    )
    steps, early_steps = sum(each.whole_steps for each in outcomes), sum(each.early_steps for each in outcomes)
    return [
        f"{equal} of {len(outcomes)}",
        f"{sum(outcome.whole_text is not None for outcome in outcomes)}",
        f"{recorded:,}",
        f"{whole:,}",
        f"{early:,}",
        f"{1 - early / max(recorded, 1):.1%}",
        f"{1 - early_steps / max(steps, 1):.1%}",
        f"{sum(each.whole_s for each in outcomes):.1f}",
        f"{sum(each.early_s for each in outcomes):.1f}",
    ]
