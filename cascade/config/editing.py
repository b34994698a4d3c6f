"""Changes values of a configuration file and leaves the rest as it was written, comments too."""

from __future__ import annotations

import io
import os
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


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """What a rung of the ladder does with functions. k: -1 skips it, and l does not matter then."""

    rung: str
    k: int
    l: int  # noqa: E741  the paper's name


def with_function_settings(path: Path, content: bytes, rungs: Sequence[FunctionSettings], theta: float) -> bytes:
    """`content` of `path` with these settings, checked. All rungs of its ladder; a file without one gets the default's.

    Raises ConfigError where the file has problems, or would have then.
    """
    read_layer(path, content)
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    try:
        data = yaml.load(content.decode("utf-8-sig")) or CommentedMap()
    except YAMLError as error:
        raise ConfigError([f"{path.name} cannot be edited: {error}"]) from None
    ladder = data.setdefault("ladder", [_default(rung) for rung in Config().model_dump()["ladder"]])
    by_name = {settings.rung: settings for settings in rungs}
    for rung in ladder:
        _set_rung(rung, by_name[rung["name"]], theta)
    before = data.get("theta")
    if isinstance(before, dict):
        before["function"] = theta
    else:
        data["theta"] = CommentedMap(function=theta) if before is None else CommentedMap(line=before, function=theta)
    out = io.BytesIO()
    yaml.dump(data, out)
    read_layer(path, out.getvalue())
    return out.getvalue()


def edit(path: Path, rungs: Sequence[FunctionSettings], theta: float) -> None:
    """The same in the file, whole or not at all; a file that is not there is made. Raises ConfigError and OSError."""
    try:
        content = read(path, follow_links=True)
    except FileNotFoundError:
        content = b""
        path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()  # a link stays one
    part = path.with_name(path.name + ".part")
    part.write_bytes(with_function_settings(path, content, rungs, theta))
    if path.exists():
        os.chmod(part, path.stat().st_mode)
    part.replace(path)


def _default(rung: dict[str, Any]) -> CommentedMap:
    return CommentedMap(name=rung["name"], checkpoint=rung["checkpoint"])


def _set_rung(rung: dict[str, Any], settings: FunctionSettings, theta: float) -> None:
    rung["k"] = settings.k
    if settings.k < 0:
        rung.pop("l", None)
    else:
        rung["l"] = settings.l
    own = rung.get("theta")
    if isinstance(own, dict) and "function" in own:
        own["function"] = theta
    elif own is not None and not isinstance(own, dict):
        rung["theta"] = CommentedMap(line=own, function=theta)
