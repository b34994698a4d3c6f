"""Defaults < user file < project file, and what a project's file may say before it is trusted.

Such a file is somebody else's. It may only tighten: less spending, less time, a stricter theta, more files that are
never sent, less telemetry, or rung switched off. A stricter theta escalates more often; the user's budget still caps
what that costs, and it goes only to servers that the user chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from rung.cascade.config.document import Document, parse
from rung.cascade.config.problems import of_validation
from rung.cascade.config.rules import Where
from rung.cascade.config.schema import Config, RungConfig
from rung.cascade.config.sentences import dotted, quoted


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: a line of a file, or rung's own default (file is None)."""

    file: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        return "default" if self.file is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A setting of a project's file that waits for the user's trust. sentence: for the user's eyes."""

    key: str
    file: Path
    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A checked file. given: its values by key; the ladder and never_send are one value each."""

    document: Document
    given: Mapping[Where, Any]

    def origin(self, where: Where) -> Origin:
        return Origin(self.document.path, self.document.line(where))


@dataclass(frozen=True, slots=True)
class Stack:
    """The layers so far."""

    values: Mapping[Where, Any]
    origins: Mapping[Where, Origin]
    held_back: tuple[HeldBack, ...] = ()

    def config(self) -> Config:
        tree: dict[str, Any] = {}
        for (key, *below), value in self.values.items():
            if below:
                tree.setdefault(str(key), {})[below[0]] = value
            else:
                tree[str(key)] = value
        return Config.model_validate(tree)


def read_layer(path: Path, content: bytes) -> Layer:
    """`content` of `path`, checked on its own. Raises ConfigError with all its problems."""
    document = parse(path, content)
    try:
        config = Config.model_validate(document.data)
    except ValidationError as error:
        raise of_validation(error, document, Config) from error
    given = dict(_set_values(config, ()))
    if ("ladder",) in given:
        given["ladder",] = tuple(_with_absolute_checkpoint(rung, path.parent) for rung in config.ladder)
    if given.get(("tune", "data")) is not None:
        given["tune", "data"] = _absolute(config.tune.data or "", path.parent)
    if ("tune", "sets") in given:
        given["tune", "sets"] = {name: _absolute(at, path.parent) for name, at in config.tune.sets.items()}
    return Layer(document, given)


def defaults() -> Stack:
    return Stack(dict(_values(Config(), ())), {})


def with_layer(stack: Stack, layer: Layer) -> Stack:
    """All of the file counts: the user's own, or a trusted one."""
    values, origins = dict(stack.values), dict(stack.origins)
    for where, value in layer.given.items():
        if where == ("never_send",):
            _append(values, origins, layer, range(len(value)))
        else:
            if where == ("ladder",):
                origins = {place: origin for place, origin in origins.items() if place[0] != "ladder"}
                origins |= _ladder_origins(layer)
            values[where] = value
            origins[where] = layer.origin(where)
    return replace(stack, values=values, origins=origins)


def with_untrusted_layer(stack: Stack, layer: Layer) -> Stack:
    """Only what tightens counts; the rest is held back and named."""
    tighter: dict[Where, Any] = {}
    held_back: list[HeldBack] = []
    patterns: list[int] = []
    for where, value in layer.given.items():
        old = stack.values[where]
        if where == ("never_send",):
            for index, pattern in enumerate(value):
                if pattern.startswith("!"):
                    held_back.append(_hold(layer, (*where, index), f"{quoted(pattern)} would allow files to be sent"))
                else:
                    patterns.append(index)
        elif value == old:
            continue
        elif where == ("ladder",):
            held_back.append(_hold(layer, where, "it chooses which models and servers are asked"))
        elif where[0] == "tune":
            held_back.append(_hold(layer, where, "it names files to be read"))
        elif TIGHTER[where[0]](old, value):
            tighter[where] = value
        else:
            held_back.append(_hold(layer, where, f"{_shown(value)} is looser than your {_shown(old)}"))
    merged = with_layer(stack, replace(layer, given=tighter))
    values, origins = dict(merged.values), dict(merged.origins)
    _append(values, origins, layer, patterns)
    return Stack(values, origins, tuple(held_back))


def _no_more(old: Any, new: Any) -> bool:
    return old is None or (new is not None and new <= old)


TIGHTER: Mapping[str | int, Callable[[Any, Any], bool]] = {
    "enabled": lambda old, new: not new,
    "theta": lambda old, new: bool(new >= old),
    "deadline": _no_more,
    "budget": _no_more,
    "retrieval": lambda old, new: not new,
    "telemetry": lambda old, new: not new,
}
"""Whether (what counts so far, what the project says) is stricter, by top-level key."""


def _hold(layer: Layer, where: Where, why: str) -> HeldBack:
    path, line, key = layer.document.path, layer.document.line(where), dotted(where)
    return HeldBack(key, path, line, f"{path.name}, line {line}: {key} waits until you trust this file: {why}")


def _shown(value: object) -> str:
    return "no limit" if value is None else str(value).lower() if isinstance(value, bool) else f"{value:g}"


def _append(values: dict[Where, Any], origins: dict[Where, Origin], layer: Layer, chosen: range | list[int]) -> None:
    patterns = values["never_send",]
    for index in chosen:
        pattern = layer.given["never_send",][index]
        origins["never_send", len(patterns)] = layer.origin(("never_send", index))
        patterns = (*patterns, pattern)
    values["never_send",] = patterns


def _ladder_origins(layer: Layer) -> dict[Where, Origin]:
    return {where: layer.origin(where) for where in layer.document.lines if where[0] == "ladder"}


def _values(section: BaseModel, above: Where) -> Iterator[tuple[Where, Any]]:
    for key in type(section).model_fields:
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            yield from _values(value, (*above, key))
        else:
            yield (*above, key), value


def _set_values(section: BaseModel, above: Where) -> Iterator[tuple[Where, Any]]:
    for key in type(section).model_fields:
        if key in section.model_fields_set:
            value = getattr(section, key)
            if isinstance(value, BaseModel):
                yield from _set_values(value, (*above, key))
            else:
                yield (*above, key), value


def _with_absolute_checkpoint(rung: RungConfig, folder: Path) -> RungConfig:
    """A path in a file is relative to that file."""
    if rung.checkpoint is None or not rung.checkpoint.lower().endswith(".gguf"):
        return rung
    return rung.model_copy(update={"checkpoint": _absolute(rung.checkpoint, folder)})


def _absolute(text: str, folder: Path) -> str:
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # ~nobody: it stays as it is, and is not found later
        path = Path(text)
    return str(folder / path)
