"""The sets of problems by their names: the public ones, those of the configuration, and files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from rung.cascade.bench.data import DataMissing, folder
from rung.cascade.bench.problem import ProblemSet, distinct
from rung.cascade.bench.sets import apps, humaneval, mbpp, own

_PUBLIC: dict[str, Callable[[Path], ProblemSet]] = {
    "humaneval": lambda at: distinct("humaneval", list(humaneval.problems(at))),
    "mbpp": lambda at: distinct("mbpp", list(mbpp.problems(at))),
    "apps": lambda at: distinct("apps", list(apps.problems(at))),
}


def problem_set(name: str, data: Path | None = None, sets: Mapping[str, Path] | None = None) -> ProblemSet:
    """The set of this name, or at this path. data: the folder of the public ones. Raises DataMissing."""
    if name in (sets or {}):
        return distinct(name, own.problems((sets or {})[name]))
    if name in _PUBLIC:
        return _PUBLIC[name](folder(data))
    path = Path(name).expanduser()
    if path.exists():
        return distinct(name_of(name), own.problems(path))
    known = ", ".join([*_PUBLIC, *(sets or {})])
    raise DataMissing(
        f"{name} is no set of problems that rung knows ({known}), and no file or folder; see docs/tuning.md."
    )


def name_of(name: str) -> str:
    """What a set is called that is given by its name or its path."""
    return Path(name).expanduser().name.split(".")[0] or name
