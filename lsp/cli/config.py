"""`rung config`, `rung trust` and `rung untrust`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rung.cascade.config import Config, ConfigError, HeldBack, Settings, load, look_up_key, preview
from rung.cascade.config import untrust as forget
from rung.cascade.config.places import PROJECT_FILE, project_of, user_file
from rung.cascade.config.sentences import quoted

app = typer.Typer(no_args_is_help=True, help="The configuration: what counts, its schema, where it lies.")

Place = Annotated[
    Path, typer.Argument(metavar="[DIR]", help="A folder or file of the project; this folder if left out.")
]

_PIPED_WIDTH = 1000
_KEYRING_SECONDS = 5.0


@app.command()
def show(place: Place = Path()) -> None:
    """Print every value that counts for DIR, and where it comes from."""
    with _sentences():
        settings = load(_existing(place))
        table = Table(box=None, pad_edge=False)
        for column in ("KEY", "VALUE", "FROM"):
            table.add_column(column, overflow="fold")
        for key, value in settings.values().items():
            if value is not None or not key.startswith("ladder["):
                table.add_row(key, _shown(value), str(settings.origin[key]))
        _console().print(table)
        _say_keys(settings)
        _say_held_back(settings.held_back)


@app.command()
def schema() -> None:
    """Print the JSON Schema of config.yaml and .rung.yaml, for the YAML plugin of your editor."""
    printed = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    typer.echo(json.dumps({**printed, "title": "Configuration of rung"}, indent=2))


@app.command()
def path(place: Place = Path()) -> None:
    """Print where your file and the project's file are, or would be."""
    with _sentences():
        root, file = project_of(_existing(place))
        own = user_file()
        typer.echo(f"yours:    {own}{'' if own.exists() else ' (not there)'}")
        typer.echo(f"project:  {file or (f'{root / PROJECT_FILE} (not there)' if root else 'no project here')}")


def trust(
    place: Place = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="Trust it without asking.")] = False,
) -> None:
    """Let all of a project's .rung.yaml count, exactly as it is now."""
    with _sentences():
        shown = preview(_existing(place))
        if shown.trusted:
            typer.echo(f"{shown.file} is trusted already, as it is now.")
            return
        changes = shown.changes()
        if changes:
            table = Table(box=None, pad_edge=False)
            for column in ("KEY", "NOW", "AFTER TRUST"):
                table.add_column(column, overflow="fold")
            for key, before, after in changes:
                table.add_row(key, _shown(before), _shown(after))
            _console().print(table)
        else:
            typer.echo("Trusting it changes nothing now: all that it says counts already.")
        if not yes:
            typer.confirm(f"Trust {shown.file}, exactly as it is now?", abort=True)
        shown.accept()
        typer.echo(f"{shown.file} is trusted; after any change to it rung asks again. `rung untrust` takes it back.")


def untrust(place: Place = Path()) -> None:
    """Take the trust in a project's .rung.yaml back."""
    with _sentences():
        _, file = project_of(_existing(place))
        if file is None:
            raise ConfigError([f"no {PROJECT_FILE} at or above {place}"])
        known = forget(file)
        typer.echo(f"{file} is no longer trusted." if known else f"{file} was not trusted.")


def _say_keys(settings: Settings) -> None:
    for name in dict.fromkeys(rung.key_env for rung in settings.config.ladder if rung.key_env):
        found = look_up_key(name, _KEYRING_SECONDS)
        typer.echo(f"\nkey {name}: {'found' if found.value else 'not found'}; {found.explanation}.")


def _say_held_back(held_back: tuple[HeldBack, ...]) -> None:
    if held_back:
        typer.echo("\nHeld back, until `rung trust`:")
    for held in held_back:
        typer.echo(f"  {held.sentence}")


def _shown(value: Any) -> str:
    """Texts of a file may hold what moves a terminal's cursor."""
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "–"
    return "[]" if value == () else str(value).lower() if isinstance(value, bool) else str(value)


def _existing(place: Path) -> Path:
    if not place.exists():
        raise ConfigError([f"{place} is not there"])
    return place


def _console() -> Console:
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    return console


@contextmanager
def _sentences() -> Iterator[None]:
    """What is wrong with a file is told in its sentences, not with a traceback."""
    try:
        yield
    except ConfigError as error:
        for sentence in error.sentences:
            typer.echo(sentence, err=True)
        raise typer.Exit(1) from None
