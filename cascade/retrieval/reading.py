"""Reads a file of the project, whatever it is, as the text to be indexed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 256 * 1024
"""Of a file. Larger ones are data, or generated."""

_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_SETTLED_NS = 2_000_000_000
_LONG_LINE = 200
"""Characters. Lines that are longer on average were not written by hand."""

_NO_CODE = re.compile(
    r".*\.(lock|map|svg|csv|tsv|ipynb|po|pot|min\.\w+|bundle\.js)|package-lock\.json|pnpm-lock\.yaml|npm-shrinkwrap\.json",
    re.IGNORECASE,
)
_GENERATED = re.compile(r"@generated|\bdo not edit\b|\bautomatically generated\b|\bauto-?generated\b", re.IGNORECASE)
_HEAD = 500
"""Characters in which a generated file says so."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """How a file looked when it was read. mtime_ns: 0 where it may change again without a new time."""

    mtime_ns: int
    size: int
    hash: bytes


def read_source(path: Path) -> tuple[Stamp, str] | None:
    """The file as it is now, its text "" where it holds none that a person wrote; None where it is no file any more.

    A link, a FIFO, a device and what may not be read are no files. Never waits for one.
    """
    try:
        descriptor = os.open(path, _OPEN)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        with open(descriptor, "rb", closefd=False) as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    settled = time.time_ns() - status.st_mtime_ns > _SETTLED_NS
    digest = hashlib.blake2b(content, digest_size=16).digest()
    stamp = Stamp(status.st_mtime_ns if settled else 0, status.st_size, digest)
    if len(content) > MAX_BYTES or b"\0" in content:
        return stamp, ""
    return stamp, written_text(path.name, content.decode("utf-8-sig", "replace"))


def written_text(name: str, text: str) -> str:
    """The text of a file called `name`, its lines ended by "\n"; "" where no person wrote it."""
    if len(text) > MAX_BYTES or _NO_CODE.fullmatch(name):
        return ""
    text = text.replace("\r\n", "\n")
    lines = text.count("\n") + 1
    if len(text) > _LONG_LINE * lines or _GENERATED.search(text, 0, _HEAD):
        return ""
    return text
