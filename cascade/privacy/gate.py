"""The gate before every remote prompt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from rung.cascade.privacy.ignored import Unreadable, ignored_by
from rung.cascade.privacy.patterns import ALWAYS_NEVER_SENT, PatternList
from rung.cascade.privacy.secret_text import MAX_CHARACTERS, find_secret

NOT_SENT = "this stays on your machine"


def may_send(path: Path | None, text: str, root: Path | None, never_send: Sequence[str] = ()) -> str | None:
    """None where `text` of the file `path` may be sent to a remote rung, else the reason as a sentence.

    text: all that would be sent. root: of the project; a file outside of it is not sent. never_send: the patterns of
    the configuration, after the built-in ones. A text without a path is only searched for secrets. The reason never
    holds the secret. Reads small files and takes milliseconds: call it with `asyncio.to_thread` from an event loop.
    """
    if path is not None:
        reason = _path_reason(path, root, tuple(never_send))
        if reason is not None:
            return f"{reason}; {NOT_SENT}."
    if len(text) > MAX_CHARACTERS:
        return f"A text of more than {MAX_CHARACTERS:,} characters is not searched for secrets; {NOT_SENT}."
    secret = find_secret(text, path.name if path is not None else "")
    if secret is not None:
        return f"Line {secret.line} of what would be sent looks like a secret ({secret.kind}); {NOT_SENT}."
    return None


def _path_reason(path: Path, root: Path | None, never_send: tuple[str, ...]) -> str | None:
    """A link is what it is called and what it points to: each of the two can forbid it."""
    try:
        named = Path(os.path.abspath(path))
        real = Path(os.path.realpath(path))
        real_root = None if root is None else Path(os.path.realpath(root))
    except (OSError, ValueError) as error:
        return f"The path {path!r} cannot be used ({error})"
    if real_root is not None and not real.is_relative_to(real_root):
        return f"{real} lies outside of the project {real_root}"
    places = {real: real_root}
    if real_root is None:
        places[named] = None
    elif named.is_relative_to(real_root):
        places[named] = real_root
    elif root is not None and named.is_relative_to(absolute := Path(os.path.abspath(root))):
        places[real_root / named.relative_to(absolute)] = real_root
    for place, top in places.items():
        if place == top:
            continue  # the project itself, no file
        relative = place.relative_to(top if top is not None else place.anchor).as_posix()
        rule = never_sent(never_send).first_ignoring(relative)
        if rule is not None:
            return f'{relative} matches the never_send pattern "{rule.text}"'
        try:
            by = ignored_by(place, top)
        except (Unreadable, OSError) as error:
            return f"Whether {relative} is ignored cannot be found out: {error}"
        if by is not None:
            return f"{relative} is ignored by {by}"
    return None


@lru_cache(maxsize=32)
def never_sent(patterns: tuple[str, ...]) -> PatternList:
    return PatternList.of([*ALWAYS_NEVER_SENT, *patterns], ignore_case=True)
