"""Whether a value looks random: like a key, not like a word, a reference, or a template to be filled."""

from __future__ import annotations

import re

from detect_secrets.filters.heuristic import is_sequential_string
from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString

BASE64 = Base64HighEntropyString(limit=4.3)
HEX = HexHighEntropyString(limit=3.0)
MIN_BASE64 = 20
MIN_HEX = 16

_PLACEHOLDER = re.compile(
    r"(?:your|my|the|some|any|example|sample|dummy|fake|test|changeme|insert|password|passwd|pass|pwd|secret|token|api|auth"
    r"|key|user|name|value|here|placeholder|none|null|foo|bar|baz|spam|eggs|abc|x|[\W\d_])*",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"\{.*\}|^<.*>$|%[sdr(]|^\$\{?[A-Za-z_]+\}?$|^[A-Za-z_]+(?:\.[A-Za-z_]\w*)+$|^[A-Za-z_][\w.]*(?:\(.*\)|\[.*\])$|^https?://|\.\.\."
)


def is_random(value: str, length: int) -> bool:
    """At least `length` characters that are neither words, nor a reference, nor a template to be filled."""
    value = value.strip().strip("'\"`")[:200]
    if len(value) < length or any(c.isspace() for c in value) or _REFERENCE.search(value):
        return False
    letters = any(c.isalpha() for c in value)
    others = any(c.isdigit() or c in "!@#$^&*+=~?" for c in value)
    return letters and others and _PLACEHOLDER.fullmatch(value) is None


def is_mixed(value: str) -> bool:
    """Capitals, small letters and digits, as random texts of this length have; names and paths seldom do."""
    return (
        re.search(r"[A-Z]", value) is not None
        and re.search(r"[a-z]", value) is not None
        and re.search(r"\d", value) is not None
    )


def has_random_base64(line: str) -> bool:
    """A quoted one of 20 characters or more."""
    return any(
        len(value) >= MIN_BASE64 and is_mixed(value) and _is_unordered(BASE64, value)
        for value in BASE64.analyze_string(line)
    )


def has_random_hex(line: str) -> bool:
    """A quoted one of 16 digits or more."""
    return any(len(value) >= MIN_HEX and _is_unordered(HEX, value) for value in HEX.analyze_string(line))


def _is_unordered(plugin: Base64HighEntropyString | HexHighEntropyString, value: str) -> bool:
    return plugin.calculate_shannon_entropy(value) > plugin.entropy_limit and not is_sequential_string(value)
