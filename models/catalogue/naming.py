"""What checkpoints may be called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from contextlib import suppress

from rung.models.catalogue.errors import StoreError
from rung.models.catalogue.store import is_name

_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def checked_name(name: str, taken: Collection[str] = (), *, option: str = "--name") -> str:
    """`name` itself. Raises StoreError where it cannot be one, or is taken; option: with which another is chosen."""
    if not is_name(name) or name.split(".")[0] in _RESERVED or name.endswith(".gguf"):
        raise StoreError(
            f"{name!r} cannot be a name: use up to 64 small letters, digits, dots, dashes and underscores, "
            f"not ending in .gguf, and choose it with {option}."
        )
    if name in taken:
        raise StoreError(f"The name {name} is taken: choose another with {option}.")
    return name


def plain_name(text: str) -> str:
    """What of a file's name can be in a checkpoint's."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("._-")[:56].strip("._-") or "checkpoint"


def free_name(text: str, taken: Collection[str]) -> str:
    """A name made of a file's, with a number where it is taken."""
    base = plain_name(text)
    for number in range(1, len(taken) + 2):
        candidate = base if number == 1 else f"{base}-{number}"
        with suppress(StoreError):
            return checked_name(candidate, taken)
    return checked_name(f"checkpoint-{len(taken) + 1}", taken)
