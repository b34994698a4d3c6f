"""The result of a run as a file, and the figures in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from rung.cascade.bench.lines.case import Case, Kind
from rung.cascade.bench.lines.figures import Row, row
from rung.cascade.bench.lines.measuring import Measured
from rung.cascade.bench.lines.simulate import Trace
from rung.cascade.bench.lines.strategy import LARGE_ONLY
from rung.cascade.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked. warm: models had read up to the cursor's line.

    Tasks by package, by kind and cut ("statement, half"), within a name, and over several lines.
    """

    tasks: int
    seed: int
    left_only: bool
    warm: bool
    packages: dict[str, int]
    kinds: dict[str, int]
    inside: int
    several_lines: int


@dataclass(frozen=True, slots=True)
class Point:
    """Of a strategy at one θ, on all tasks. calls: of the large rung, of all tasks together."""

    theta: float
    exact: float
    calls: int
    mean_s: float


@dataclass(frozen=True, slots=True)
class Results:
    """settings: lines for the reader. thetas: chosen for the first and the second half of the packages.

    exact_by_kind: of each strategy, the share of right ones by `Asked.kinds`. seconds: of each strategy, sorted.
    """

    format: Literal["rung-lines-results"]
    version: Literal[1]
    small: str
    large: str
    settings: tuple[str, ...]
    asked: Asked
    rows: tuple[Row, ...]
    thetas: dict[str, tuple[float, float]]
    halves: tuple[tuple[str, ...], tuple[str, ...]]
    sweeps: dict[str, tuple[Point, ...]]
    exact_by_kind: dict[str, dict[str, float]]
    seconds: dict[str, tuple[float, ...]]


_FORM = TypeAdapter(Results)
_TRACE = TypeAdapter(Trace)


def results(
    cases: Sequence[Case],
    measured: Measured,
    *,
    small: str,
    large: str,
    seed: int,
    left_only: bool,
    warm: bool,
    settings: Sequence[str],
) -> Results:
    """small, large: names of the rungs."""
    alone = measured.judged[LARGE_ONLY.name]
    return Results(
        format="rung-lines-results",
        version=1,
        small=small,
        large=large,
        settings=tuple(settings),
        asked=_asked(cases, seed, left_only, warm),
        rows=tuple(
            replace(row(traces, large, None if name == LARGE_ONLY.name else alone[: len(traces)]), strategy=name)
            for name, traces in measured.judged.items()
        ),
        thetas=dict(measured.thetas),
        halves=(tuple(sorted(measured.halves[0])), tuple(sorted(measured.halves[1]))),
        sweeps={
            name: tuple(_point(theta, traces, large) for theta, traces in sweep.items())
            for name, sweep in measured.sweeps.items()
        },
        exact_by_kind={name: _exact_by_kind(cases, traces) for name, traces in measured.judged.items()},
        seconds={name: tuple(sorted(trace.seconds for trace in traces)) for name, traces in measured.judged.items()},
    )


def write(folder: Path, found: Results, cases: Sequence[Case], measured: Measured) -> tuple[Path, Path]:
    """The figures, and what each strategy showed for each task. Raises OSError."""
    figures, answers = folder / "results.json", folder / "answers.jsonl"
    write_whole(figures, _FORM.dump_json(found, indent=1))
    truths = {case.id: case.truth for case in cases}
    lines = (
        TypeAdapter(dict[str, object]).dump_json({**_TRACE.dump_python(trace), "truth": truths[trace.case]})
        for traces in measured.judged.values()
        for trace in traces
    )
    write_whole(answers, b"\n".join(lines) + b"\n")
    return figures, answers


def kind_name(case: Case) -> str:
    """As in `Asked.kinds`."""
    return "line" if case.kind is Kind.LINE else f"statement, {case.cut}"


def _asked(cases: Sequence[Case], seed: int, left_only: bool, warm: bool) -> Asked:
    return Asked(
        tasks=len(cases),
        seed=seed,
        left_only=left_only,
        warm=warm,
        packages=dict(Counter(case.package for case in cases)),
        kinds=dict(Counter(map(kind_name, cases))),
        inside=sum(case.inside for case in cases),
        several_lines=sum("\n" in case.truth for case in cases),
    )


def _point(theta: float, traces: Sequence[Trace], large: str) -> Point:
    found = row(traces, large, None)
    return Point(theta, found.exact, found.large_calls, found.mean_s)


def _exact_by_kind(cases: Sequence[Case], traces: Sequence[Trace]) -> dict[str, float]:
    judged = cases[: len(traces)]
    all_of = Counter(map(kind_name, judged))
    right = Counter(kind_name(case) for case, trace in zip(judged, traces, strict=True) if trace.exact)
    return {kind: right[kind] / count for kind, count in all_of.items()}
