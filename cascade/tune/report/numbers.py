"""The points of a study as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from rung.cascade.tune.results import Results
from rung.cascade.tune.study import Point


def as_csv(results: Results) -> str:
    """A row for each Pareto point, single or of a ladder, and each rung alone."""
    file = io.StringIO()
    names = [rung.name for rung in results.rungs]
    head = [column for name in names for column in (f"k of {name}", f"l of {name}", f"answered by {name}")]
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["kind", "theta", "accuracy", "dollars per completion", *head])
    for kind, points in _kinds(results):
        for point in points:
            settings = [
                value
                for option, share in zip(point.plan, point.shares, strict=True)
                for value in (option.k, option.l, share)
            ]
            out.writerow([kind, point.theta, point.accuracy, point.dollars, *settings])
    return file.getvalue()


def _kinds(results: Results) -> Iterator[tuple[str, Sequence[Point]]]:
    study = results.study
    yield "ladder, Pareto", study.cascade
    yield "single, Pareto", study.single
    yield "most accurate single", [study.best_single]
    yield "cheapest that is no less accurate", [study.instead]
    yield "the same over theta", study.sweep
