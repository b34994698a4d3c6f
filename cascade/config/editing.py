"""Changes values of a configuration file and leaves the rest as it was written, comments too."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from rung.cascade.config.document import read
from rung.cascade.config.layers import read_layer
from rung.cascade.config.problems import ConfigError
from rung.cascade.config.schema import Config
from rung.cascade.whole_file import write_whole

_START = re.compile(r"^---", re.MULTILINE)
_ITEM = re.compile(r"^( *)- ", re.MULTILINE)
_ANY_L = 4


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """What a rung of the ladder does with functions. k: -1 skips it, and l does not matter then."""

    rung: str
    k: int
    l: int  # noqa: E741  the paper's name


def with_function_settings(path: Path, content: bytes, rungs: Sequence[FunctionSettings], theta: float) -> bytes:
    """`content` of `path` with these settings, checked. rungs: all of its ladder, in its order; a file without a ladder
    gets the default's.

    Raises ConfigError where the file has problems, or would have then.
    """
    read_layer(path, content)
    text = content.decode("utf-8-sig")
    yaml = _as_written(text)
    try:
        data = yaml.load(text)
    except YAMLError as error:
        raise ConfigError([f"{path.name} cannot be edited: {error}"]) from None
    kept = "" if data else text  # nothing but comments: the settings go behind them
    data = data or CommentedMap()
    ladder = data.setdefault("ladder", [_default(rung) for rung in Config().model_dump()["ladder"]])
    for rung, settings in zip(ladder, rungs, strict=True):
        _set_rung(rung, settings, theta)
    before = data.get("theta")
    if isinstance(before, dict):
        before["function"] = theta
    else:
        data["theta"] = CommentedMap(function=theta) if before is None else CommentedMap(line=before, function=theta)
    out = io.StringIO()
    yaml.dump(data, out)
    written = (kept + out.getvalue()).replace("\r\n", "\n")
    edited = (written.replace("\n", "\r\n") if "\r\n" in text else written).encode()
    read_layer(path, edited)
    return edited


def _as_written(text: str) -> YAML:
    """Writes with the quotes, indents and start that the text has."""
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.explicit_start = _START.search(text) is not None
    item = _ITEM.search(text)
    offset = len(item[1]) if item else 2
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    return yaml


def edit(path: Path, rungs: Sequence[FunctionSettings], theta: float) -> None:
    """The same in the file, whole or not at all; a file that is not there is made. Raises ConfigError and OSError."""
    try:
        content = read(path, follow_links=True)
    except FileNotFoundError:
        content = b""
    write_whole(path, with_function_settings(path.resolve(), content, rungs, theta))


def _default(rung: dict[str, Any]) -> CommentedMap:
    return CommentedMap(name=rung["name"], checkpoint=rung["checkpoint"])


def _set_rung(rung: dict[str, Any], settings: FunctionSettings, theta: float) -> None:
    rung["k"] = settings.k
    if settings.k >= 0:
        rung["l"] = settings.l
    elif rung.get("l") == 0:  # which goes with k = 0 alone; removed, it would take the comments behind it along
        rung["l"] = _ANY_L
    own = rung.get("theta")
    if isinstance(own, dict) and "function" in own:
        own["function"] = theta
    elif own is not None and not isinstance(own, dict):
        rung["theta"] = CommentedMap(line=own, function=theta)
