"""`rung complete`: one completion, from the command line."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from rung.cascade.attempt import Climb
from rung.cascade.config import ConfigError, load
from rung.cascade.trigger import Trigger
from rung.lsp.completer import Completer
from rung.lsp.explanation import explain as in_words
from rung.lsp.notice import Notice

_PLACE = re.compile(r"^(?P<file>.+?):(?P<line>[1-9]\d{0,8})(?::(?P<column>[1-9]\d{0,8}))?$")


class PlaceRefused(Exception):
    """What was given is no place in a file; the message says why."""


@dataclass(frozen=True, slots=True)
class Spot:
    """path: of the file. before, after: its text around the place."""

    path: Path
    before: str
    after: str


def complete(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE:LINE[:COLUMN]",
            help="Where: lines and columns (characters) count from 1; no column is the line's end.",
        ),
    ],
    explain: Annotated[bool, typer.Option("--explain", help="Say why: each rung's score, θ, time and cost.")] = False,
) -> None:
    """Complete at a place in a file and print the text to insert."""
    try:
        spot = read_spot(place)
        climb, notices = asyncio.run(_complete(spot))
    except (PlaceRefused, ConfigError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    for notice in notices:
        typer.echo(notice.text, err=True)
    if climb is None:
        typer.echo("There is nothing to complete at this place.", err=True)
        raise typer.Exit(1)
    if climb.answer is not None:
        typer.echo(climb.answer.text)
    if explain:
        Console(stderr=True).print(Markdown(in_words(climb)))
    elif climb.answer is None:
        typer.echo(f"No completion: {climb.steps[-1].reason.removesuffix('.')}.", err=True)
    if climb.answer is None:
        raise typer.Exit(1)


def read_spot(place: str) -> Spot:
    """Raises PlaceRefused."""
    match = _PLACE.match(place)
    if match is None:
        raise PlaceRefused(f"{place} is no place: write FILE:LINE or FILE:LINE:COLUMN, both counted from 1.")
    path = Path(match["file"])
    try:
        # newline="": columns are counted in the file as it is
        with path.open(encoding="utf-8", newline="") as file:
            lines = file.readlines() or [""]  # not str.splitlines: a form feed ends no line
    except UnicodeDecodeError:
        raise PlaceRefused(f"{path} is not a UTF-8 text.") from None
    except OSError as error:
        raise PlaceRefused(f"{path} cannot be read: {error.strerror}.") from None
    number = int(match["line"])
    if number == len(lines) + 1 and lines[-1].endswith(("\n", "\r")):
        lines.append("")  # the empty line after the last line break
    if number > len(lines):
        raise PlaceRefused(f"{path} has {len(lines)} lines, not {number}.")
    line = lines[number - 1]
    end = len(line.rstrip("\r\n"))
    column = int(match["column"]) - 1 if match["column"] else end
    if column > end:
        raise PlaceRefused(f"Line {number} of {path} has {end} characters, there is no column {column + 1}.")
    before = "".join(lines[: number - 1]) + line[:column]
    return Spot(path.absolute(), before, line[column:] + "".join(lines[number:]))


async def _complete(spot: Spot) -> tuple[Climb | None, list[Notice]]:
    notices: list[Notice] = []
    completer = Completer(await asyncio.to_thread(load, spot.path), notices.append)
    try:
        task = completer.task_at(spot.before, spot.after, path=spot.path, language=_language(spot.path))
        return (await completer.complete(task, Trigger.COMMAND_LINE) if task else None), notices
    finally:
        await completer.close()


def _language(path: Path) -> str:
    return "python" if path.suffix in (".py", ".pyi") else path.suffix.lstrip(".")
