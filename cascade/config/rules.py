"""What pydantic's types cannot say: which keys go together.

A problem is (where, sentence): `where` is relative to the section that is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pathspec import GitIgnoreSpec
from pydantic_core import PydanticCustomError

from rung.cascade.config.sentences import quoted

if TYPE_CHECKING:
    from rung.cascade.config.schema import Config, PriceConfig, RungConfig

Where = tuple[str | int, ...]
Problem = tuple[Where, str]

REMOTE_ONLY = ("model", "key_env", "timeouts", "suffix", "extra")
LOCAL_ONLY = ("threads", "cache_mb", "gpu_layers", "exact")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
HARDWARE = ("hours_per_million", "gpus", "usd_per_gpu_hour")
PROBLEMS = "rung_problems"
"""The type of the pydantic error whose context holds several problems."""


def refuse(problems: Iterator[Problem]) -> None:
    """Raise all problems as one error of pydantic; none, and nothing happens."""
    found = list(problems)
    if found:
        raise PydanticCustomError(
            PROBLEMS, "{sentences}", {"sentences": "; ".join(s for _, s in found), PROBLEMS: found}
        )


def rung_problems(rung: RungConfig) -> Iterator[Problem]:
    if (rung.checkpoint is None) == (rung.url is None):
        yield (), f"rung {quoted(rung.name)} needs exactly one of checkpoint (local) and url (remote)"
        return
    if rung.url is None:
        for key in REMOTE_ONLY:
            if key in rung.model_fields_set:
                yield (key,), f'"{key}" is for remote rungs, and rung {quoted(rung.name)} has a checkpoint; remove it'
    else:
        if rung.model is None:
            yield ("url",), f"rung {quoted(rung.name)} has a url and so needs model: the model's name at the server"
        for key in LOCAL_ONLY:
            if key in rung.model_fields_set:
                yield (key,), f'"{key}" is for local rungs, and rung {quoted(rung.name)} has a url; remove it'
        yield from _url_problems(rung.url, with_key=rung.key_env is not None)
    if (rung.k == 0) != (rung.l == 0):
        yield ("l",), f"l must be 0 exactly where k is 0, but k is {rung.k} and l is {rung.l}"


def price_problems(price: PriceConfig) -> Iterator[Problem]:
    given = price.model_fields_set
    if given & set(HARDWARE):
        if given & {"input", "output"}:
            yield (), f"a price has either input and output, or {', '.join(HARDWARE)}; not both"
        elif missing := [key for key in HARDWARE if getattr(price, key) is None]:
            yield (), f"a price by hardware also needs {', '.join(missing)}"
    elif given and not given >= {"input", "output"}:
        yield (), "a price by tokens needs both input and output (0 is allowed)"


def ladder_problems(config: Config) -> Iterator[Problem]:
    """The paper's validity of k (Chen et al. 2024, section 3.2), and distinct names."""
    names: set[str] = set()
    ended_by: str | None = None
    for index, rung in enumerate(config.ladder):
        where = ("ladder", index)
        if rung.name in names:
            yield (*where, "name"), f"two rungs are named {quoted(rung.name)}; give each its own name"
        names.add(rung.name)
        if ended_by is not None and rung.k != -1:
            yield (
                (*where, "k"),
                f"rung {quoted(rung.name)} can never be asked for functions, as k: 0 of rung {quoted(ended_by)} "
                "(the default of a remote rung) ends the ladder before it; write k: -1 here, or a k above 0 there",
            )
        if rung.k == 0 and ended_by is None:
            ended_by = rung.name


def gitignore_pattern(line: str) -> str:
    """Refuses what git would silently ignore: a pattern that matches nothing protects nothing."""
    if "\n" in line or "\r" in line or "\0" in line:
        raise PydanticCustomError("pattern", "a pattern is one line")
    try:
        (pattern,) = GitIgnoreSpec.from_lines([line]).patterns
    except ValueError:
        pattern = None
    if pattern is None or pattern.include is None:
        raise PydanticCustomError("pattern", "this is no pattern of .gitignore's syntax, so it would match nothing")
    return line


def _url_problems(url: str, with_key: bool) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # both raise on nonsense
    except ValueError:
        yield ("url",), "url is not a URL; write it like https://host/v1"
        return
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        yield ("url",), "url must be like https://host/v1"
        return
    if parts.username is not None or parts.password is not None:
        yield ("url",), "url must not hold a user or a password; put the key where key_env says"
    if parts.query or parts.fragment:
        yield ("url",), "url must end with its path: no ? and no #"
    if with_key and parts.scheme == "http" and host not in LOOPBACK:
        yield ("url",), "a key would go over http unencrypted; use https, or a tunnel to this machine"
