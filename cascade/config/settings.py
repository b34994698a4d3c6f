"""The configuration that counts for a file, where each value comes from, and what a project's file still waits with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from rung.cascade.config import layers, places, trust
from rung.cascade.config.document import read
from rung.cascade.config.layers import HeldBack, Layer, Origin, Stack
from rung.cascade.config.problems import ConfigError
from rung.cascade.config.rules import Where
from rung.cascade.config.schema import Config
from rung.cascade.config.sentences import dotted


@dataclass(frozen=True, slots=True)
class Settings:
    """What counts.

    origin: of every value, by its dotted key, such as `ladder[0].k`. held_back: tell the user once, with the action
    "Trust". project_root: None for a file that belongs to no project. user_file need not exist.
    """

    config: Config
    origin: Mapping[str, Origin]
    held_back: tuple[HeldBack, ...]
    project_root: Path | None
    project_file: Path | None
    trusted: bool
    user_file: Path

    def values(self) -> dict[str, Any]:
        """Every value by its dotted key, in the order of the schema."""
        return {dotted(where): value for where, value in _leaves(self.config, ())}


@dataclass(frozen=True, slots=True)
class Preview:
    """What trusting a project's file would change.

    content: the bytes that both were read from. trusted: nothing would, as they are trusted already.
    """

    file: Path
    content: bytes
    trusted: bool
    before: Settings
    after: Settings

    def changes(self) -> list[tuple[str, Any, Any]]:
        """(key, value before, value after) of every value that differs; None where there is none."""
        before, after = self.before.values(), self.after.values()
        keys = dict.fromkeys([*before, *after])
        return [(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]

    def accept(self) -> None:
        """Trust exactly what was shown. Raises ConfigError where it cannot be written down."""
        trust.trust(self.file, self.content)


def load(project_file_or_dir: Path | None) -> Settings:
    """The configuration for a source file or a folder; of the user alone for None.

    Reads small files: call it in a thread where an event loop runs. Raises ConfigError with every problem of the first
    file that has one (the user's before the project's).
    """
    user, user_file = _user_stack()
    root, file = places.project_of(project_file_or_dir) if project_file_or_dir is not None else (None, None)
    content = _content_of(file, user_file)
    if file is None or content is None:
        return _settings(user, root, None, False, user_file)
    layer = layers.read_layer(file, content)
    return _with_project(user, layer, trust.is_trusted(file, content), user_file)


def preview(project_file_or_dir: Path) -> Preview:
    """For `rung trust`. Raises ConfigError, also where there is no project file."""
    user, user_file = _user_stack()
    _, file = places.project_of(project_file_or_dir)
    content = _content_of(file, user_file)
    if file is None or content is None:
        raise ConfigError([f"no {places.PROJECT_FILE} at or above {project_file_or_dir}"])
    layer = layers.read_layer(file, content)
    before, after = (_with_project(user, layer, trusted, user_file) for trusted in (False, True))
    return Preview(file, content, trust.is_trusted(file, content), before, after)


def _user_stack() -> tuple[Stack, Path]:
    file, stack = places.user_file(), layers.defaults()
    try:
        content = read(file, follow_links=True)
    except FileNotFoundError as error:
        if places.user_file_is_named():
            raise ConfigError(
                [f"RUNG_CONFIG names {file}, which is not there; create it or unset RUNG_CONFIG"]
            ) from error
        return stack, file
    return layers.with_layer(stack, layers.read_layer(file, content)), file


def _content_of(file: Path | None, user_file: Path) -> bytes | None:
    """The project file's bytes; None where there is none, or where it is the user's own file."""
    if file is None:
        return None
    try:
        content = read(file, follow_links=False)
        return None if user_file.exists() and file.samefile(user_file) else content
    except FileNotFoundError:  # removed since it was found
        return None


def _with_project(user: Stack, layer: Layer, trusted: bool, user_file: Path) -> Settings:
    stack = (layers.with_layer if trusted else layers.with_untrusted_layer)(user, layer)
    file = layer.document.path
    return _settings(stack, file.parent, file, trusted, user_file)


def _settings(stack: Stack, root: Path | None, file: Path | None, trusted: bool, user_file: Path) -> Settings:
    config = stack.config()
    origin = {dotted(where): _origin(stack, where) for where, _ in _leaves(config, ())}
    return Settings(config, origin, stack.held_back, root, file, trusted, user_file)


def _origin(stack: Stack, where: Where) -> Origin:
    """That of the value or of the section it was written in; a rung's key that nobody wrote is a default."""
    shortest = 3 if where[0] == "ladder" else 1
    while len(where) >= shortest:
        if where in stack.origins:
            return stack.origins[where]
        where = where[:-1]
    return Origin()


def _leaves(value: object, where: Where) -> Iterator[tuple[Where, Any]]:
    if isinstance(value, BaseModel):
        for key in type(value).model_fields:
            yield from _leaves(getattr(value, key), (*where, key))
    elif isinstance(value, tuple) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, (*where, index))
    else:
        yield where, value
