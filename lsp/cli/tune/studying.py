"""The work of `rung tune run`. Apart, as it loads numpy, which the language server does not need."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from statistics import mean

import typer
from rich.console import Console

from rung.cascade.bench.problem import Problem, ProblemSet
from rung.cascade.bench.sets import name_of
from rung.cascade.config import Config
from rung.cascade.sandbox import Sandbox
from rung.cascade.tune import results
from rung.cascade.tune.cache import Cache, cache
from rung.cascade.tune.execute import execute
from rung.cascade.tune.gathering import evidence_of, job_of
from rung.cascade.tune.material import materials
from rung.cascade.tune.plan import KS, LS
from rung.cascade.tune.recording import Entry, Header, Recording, read
from rung.cascade.tune.results import Results, RungUsed
from rung.cascade.tune.study import Settings, Study, study
from rung.lsp.cli.bench_bars import bars, beginning
from rung.lsp.cli.tune.options import Refused, configuration, problems_of, recording_path, results_path
from rung.lsp.cli.tune.tables import summary
from rung.models.price import FREE, MILLION, Price

_MOST_RUNGS = 4  # with five, the settings need gigabytes


def run_study(
    set_name: str,
    rungs: list[str] | None,
    usd_per_hour: float | None,
    splits: int,
    subsets: int,
    seed: int,
    folder: Path,
) -> None:
    """Writes the study and prints it. Raises what `explained` explains."""
    config = configuration()
    recordings = _recordings(folder, set_name, rungs, config)
    if len(recordings) > _MOST_RUNGS:
        names = ", ".join(each.header.rung for each in recordings)
        raise Refused(f"{len(recordings)} rungs are more than {_MOST_RUNGS}: choose with --rung among {names}.")
    problems = _problems(recordings, set_name, config)
    complete = [problem for problem in problems.problems if all(each.complete(problem.id) for each in recordings)]
    if not complete:
        raise Refused("No problem is complete in all recordings; `rung tune record` makes them so.")
    ls = tuple(l for l in LS if l <= min(each.header.l for each in recordings))  # noqa: E741
    used = [_used(each, config, usd_per_hour) for each in recordings]
    with cache(folder / "executed.sqlite") as verdicts:
        found = _tried(
            complete, recordings, used, ls, verdicts, Settings(KS, ls, splits=splits, subsets=subsets, seed=seed)
        )
    made = Results("rung-study", 1, problems.name, len(problems.problems), tuple(used), splits, subsets, seed, found)
    path = results_path(folder, problems.name)
    results.write(path, made)
    Console(width=120, highlight=False).print(summary(made))
    typer.echo(f"\n{path} is written; `rung tune report --set {problems.name}` draws it.")


def _tried(
    problems: Sequence[Problem],
    recordings: Sequence[Recording],
    used: Sequence[RungUsed],
    ls: tuple[int, ...],
    verdicts: Cache,
    settings: Settings,
) -> Study:
    with bars() as progress:
        begin = beginning(progress)
        step = begin("reading", len(recordings) * len(problems))
        parts = []
        for recording in recordings:
            for problem in problems:
                parts.append(materials(problem, recording, ls))
                step()
        jobs = [job_of(problem, part) for problem, part in zip(cycle(problems), parts, strict=False)]
        step = begin("running", len(jobs))
        asyncio.run(execute(jobs, Sandbox.find(), verdicts, parallel=os.cpu_count() or 1, on_job=step))
        step = begin("gathering", len(jobs))
        left = iter(parts)
        evidence = []
        for rung in used:
            of_rung = []
            for problem in problems:
                of_rung.append(evidence_of(problem, next(left), verdicts, rung.price))
                step()
            evidence.append(of_rung)
        try:
            return study(evidence, settings, begin("splits", settings.splits))
        except ValueError as error:
            raise Refused(f"{error}.") from None


def _recordings(folder: Path, set_name: str, rungs: list[str] | None, config: Config) -> list[Recording]:
    """In the order named; else in that of the configured ladder, others behind it by price. Raises RecordingError."""
    name = name_of(set_name)
    if rungs:
        return [read(recording_path(folder, name, rung)) for rung in dict.fromkeys(rungs)]
    there = [read(path) for path in sorted((folder / name).glob("*.jsonl"))]
    if not there:
        raise Refused(f"{folder / name} has no recording; `rung tune record` and `rung tune import` make them.")
    order = {rung.name: place for place, rung in enumerate(config.ladder)}
    return sorted(there, key=lambda each: (order.get(each.header.rung, len(order)), each.header.price.output_usd))


def _problems(recordings: Sequence[Recording], set_name: str, config: Config) -> ProblemSet:
    """Those of the recordings, which are all of the same ones. Raises Refused where they are no longer in the set."""
    headers = [recording.header for recording in recordings]
    fewest = min(header.problems for header in headers)
    whole = problems_of(set_name, config)
    for header in headers:
        part = whole if header.problems == len(whole.problems) else problems_of(set_name, config, header.problems)
        if part.digest != header.digest:
            raise Refused(f"{header.rung} was recorded on other problems than {whole.name} has now; record it anew.")
    return whole if fewest == len(whole.problems) else problems_of(set_name, config, fewest)


def _used(recording: Recording, config: Config, usd_per_hour: float | None) -> RungUsed:
    header = recording.header
    calls = [entry for entry in recording.entries.values() if not entry.part.greedy]
    price, source = _price(header, calls, config, usd_per_hour)
    return RungUsed(
        name=header.rung,
        model=header.model,
        price=price,
        price_from=source,
        samples=header.k,
        greedy=header.greedy,
        counted=all(sample.counted for entry in calls for sample in entry.samples),
        seconds=mean(entry.seconds for entry in calls) if calls else 0.0,
    )


def _price(header: Header, calls: Sequence[Entry], config: Config, usd_per_hour: float | None) -> tuple[Price, str]:
    """The configuration's, the recording's, or by the seconds that its sampled calls took (section 3.4)."""
    configured = next((rung for rung in config.ladder if rung.name == header.rung), None)
    if configured is not None and configured.to_price() != FREE:
        return configured.to_price(), "configuration"
    if header.price != FREE:
        return header.price, "recording"
    if usd_per_hour is None:
        return FREE, "free"
    tokens = sum(sample.generated for entry in calls for sample in entry.samples)
    hours = sum(entry.seconds for entry in calls) / 3600 / max(tokens, 1) * MILLION
    return Price.from_hardware(hours, 1, usd_per_hour), f"{hours:.2f} hours per million at ${usd_per_hour:g}"
