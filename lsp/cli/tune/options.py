"""What the commands of `rung tune` have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from rung.cascade.bench.data import DataMissing, spread
from rung.cascade.bench.problem import ProblemSet, distinct
from rung.cascade.bench.sets import name_of, problem_set
from rung.cascade.config import Config, ConfigError, load
from rung.cascade.sandbox import SandboxUnavailable
from rung.cascade.tune.cache import CacheUnusable
from rung.cascade.tune.recording import RecordingError
from rung.lsp.cli.sentences import sentences
from rung.models.protocol import ModelError

FOLDER = Path("tune")

SetOption = Annotated[
    str,
    typer.Option("--set", metavar="NAME", help="humaneval, mbpp, apps, a set of the configuration, or a path."),
]
FolderOption = Annotated[Path, typer.Option("--in", metavar="DIR", help="The folder of recordings and results.")]


class Refused(Exception):
    """What was asked for cannot be done; the message says why."""


@contextmanager
def needing(what: str, extra: str) -> Iterator[None]:
    """Around imports of what is only in an extra of rung's: it is not needed to start rung. Raises Refused."""
    try:
        yield
    except ImportError as error:
        raise Refused(f"{what} needs {error.name}: install rung[{extra}].") from None


_EXPECTED = (CacheUnusable, DataMissing, ModelError, RecordingError, Refused, SandboxUnavailable)


def configuration() -> Config:
    """For the folder that the command was started in. Raises ConfigError."""
    return load(Path.cwd()).config


def problems_of(name: str, config: Config, count: int | None = None) -> ProblemSet:
    """count: only so many, evenly spaced. Raises DataMissing."""
    data = Path(config.tune.data) if config.tune.data else None
    whole = problem_set(name, data, {key: Path(path) for key, path in config.tune.sets.items()})
    return whole if count is None else distinct(whole.name, spread(whole.problems, count))


def recording_path(folder: Path, set_name: str, rung: str) -> Path:
    """Where a rung's recording of a set lies."""
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in rung)
    return folder / set_name / f"{safe}.jsonl"


def results_path(folder: Path, set_name: str) -> Path:
    """Where the study of a set lies."""
    return folder / name_of(set_name) / "study.json"


@contextmanager
def explained(stopped: str) -> Iterator[None]:
    """Ends a command with one sentence where the user can do something. stopped: said after Ctrl-C."""
    with sentences(stopped):
        try:
            yield
        except ConfigError as error:
            typer.echo("\n".join(error.sentences), err=True)
            raise typer.Exit(1) from None
        except _EXPECTED as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
        except OSError as error:
            typer.echo(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}.", err=True)
            raise typer.Exit(1) from None
