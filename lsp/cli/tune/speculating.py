"""The work of `rung tune speculate`. Apart, as it loads numpy, which the language server does not need."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import typer

from rung.cascade.bench.data import spread
from rung.cascade.bench.problem import Problem
from rung.cascade.config import RungConfig
from rung.cascade.tune import results
from rung.cascade.tune.plan import Option
from rung.cascade.tune.recording import Recording, read
from rung.cascade.tune.results import Results
from rung.cascade.tune.speculation import Measured, measure, point
from rung.lsp.cli.bench_bars import bars, beginning
from rung.lsp.cli.tune.options import Refused, configuration, problems_of, recording_path, results_path
from rung.lsp.cli.tune.record import rung_to_record

_GREEDY = Option(0, 0)


def add_point(draft: str, target: str, set_name: str, count: int, folder: Path) -> None:
    """Measures, and adds the point to the study. Raises what `explained` explains."""
    config = configuration()
    path = results_path(folder, set_name)
    study = results.read(path)
    drafts = read(recording_path(folder, study.set, draft))
    if not drafts.header.greedy:
        raise Refused(f"{draft} was recorded without greedy solutions.")
    rung = next((rung for rung in config.ladder if rung.name == target), None)
    if rung is None:
        raise Refused(f"--target {target}: the configured ladder has no such rung.")
    accuracy, dollars = _alone(study, target)
    price = next((used.price for used in study.rungs if used.name == draft), None)
    if price is None:
        raise Refused(f"The study has no rung {draft!r}; run it with that one.")
    problems = [each for each in problems_of(set_name, config).problems if drafts.complete(each.id)]
    chosen = spread(problems, count)
    if not chosen:
        raise Refused(f"{draft} was recorded on no problem to its end; `rung tune record` goes on.")
    with bars() as progress:
        step = beginning(progress)(f"{draft} for {target}", len(chosen))
        measured = asyncio.run(_measured(chosen, drafts, rung, step))
    found = point(f"speculative, {draft} for {target}", measured, accuracy, dollars, drafts, price)
    kept = tuple(each for each in study.speculative if each.label != found.label)
    results.write(path, replace(study, speculative=(*kept, found)))
    typer.echo(
        f"{measured.hit:.1%} of {target}'s tokens were drafted right; its solutions took {measured.time_ratio:.2f} "
        f"of the time without drafts, and {measured.other} of {measured.problems} were other texts. "
        f"{found.accuracy:.1%} at ${found.dollars * 1000:.4f} per 1,000, alone ${dollars * 1000:.4f}."
    )


def _alone(study: Results, target: str) -> tuple[float, float]:
    """Accuracy and dollars a problem of its greedy solutions. Raises Refused."""
    names = [rung.name for rung in study.rungs]
    for each in study.study.alone:
        if names[each.rung] == target and each.option == _GREEDY:
            return each.accuracy, each.dollars
    raise Refused(f"The study has no rung {target!r}; it has {', '.join(names)}.")


async def _measured(
    problems: Sequence[Problem], drafts: Recording, config: RungConfig, step: Callable[[], None]
) -> Measured:
    alone, drafted = [await asyncio.to_thread(rung_to_record, config, drafts=each) for each in (False, True)]
    try:
        return await measure(problems, drafts, alone, drafted, step)
    finally:
        await alone.model.close()
        await drafted.model.close()
