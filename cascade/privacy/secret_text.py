"""Text that looks like a secret.

detect-secrets knows the shapes of keys; only the parts of its plugins that look at a line are used, so nothing is
verified over the network. What is found by a name or by entropy counts only where the value looks random.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.keyword import DENYLIST, REGEX_BY_FILETYPE, KeywordDetector
from detect_secrets.util.filetype import determine_file_type

from rung.cascade.privacy.random_value import has_random_base64, has_random_hex, is_mixed, is_random
from rung.cascade.privacy.secret_shapes import shape_of

MAX_CHARACTERS = 500_000
WINDOW = 2_000
"""Characters that are searched at once: the patterns are not linear in the length of a line."""
OVERLAP = 300
KEYWORD_WINDOW = (200, 60)
"""The same for the search by name, whose steps grow with the cube of the length."""


@dataclass(frozen=True, slots=True)
class Secret:
    """kind: what it looks like. line: 1-based, in the text."""

    kind: str
    line: int


def find_secret(text: str, file_name: str = "") -> Secret | None:
    """The first line that looks like it holds a secret; None where none does.

    file_name: in a configuration file a value needs no quotes.
    """
    encoded = 0
    for number, line in enumerate(text.splitlines(), 1):
        encoded = encoded + 1 if _ENCODED.fullmatch(line) and is_mixed(line) else 0
        if encoded == _ENCODED_LINES:
            return Secret("a block of encoded data, such as the inside of a key", number - _ENCODED_LINES + 1)
        for window in _windows(line):
            kind = _kind(window, file_name)
            if kind is not None:
                return Secret(kind, number)
    return None


_KEYWORD = KeywordDetector()
_BASIC_AUTH = BasicAuthDetector()
_NAMED = re.compile(r"|".join(DENYLIST) + r"|token|credential|bearer|access_?key|signature|salt", re.IGNORECASE)
_TOKEN = re.compile(
    r"""(?:token|credential|bearer|access_?key)\w{0,40}["']?\]?\s{0,4}(?::|={1,2})\s{0,4}["']([^"'\s]{16,})["']""",
    re.IGNORECASE,
)
# detect-secrets wants a letter or digit first; hashes and generated passwords may begin with anything
_PASSWORD = re.compile(
    r"""(?:password|passwd|pwd|secret)\w{0,40}["']?\]?\s{0,4}(?::|={1,2})\s{0,4}["']([^"'\s]{6,})["']""", re.IGNORECASE
)
_BEARER = re.compile(r"""\b(?:Bearer|Basic|token)\s+([A-Za-z0-9+/_.~=-]{16,})""")
_ENCODED = re.compile(r"""\s*b?["']?(?:[A-Za-z0-9+/]{60,100}={0,2})(?:\\n)?["']?[,+]?\s*\\?""")
_ENCODED_LINES = 4


def _windows(line: str, window: int = WINDOW, overlap: int = OVERLAP) -> Iterator[str]:
    """A long line in overlapping parts."""
    if len(line) <= window:
        yield line
    else:
        for start in range(0, len(line), window - overlap):
            yield line[start : start + window]


def _kind(line: str, file_name: str) -> str | None:
    shape = shape_of(line)
    if shape is not None:
        return shape
    if "://" in line and any(is_random(value, 4) for value in _BASIC_AUTH.analyze_string(line)):
        return "a password in a URL"
    named = _NAMED.search(line) is not None
    if named and _named_value(line, file_name):
        return "the value of a name such as password, secret or token"
    if has_random_base64(line) or (named and has_random_hex(line)):
        return "a random value"
    return None


def _named_value(line: str, file_name: str) -> bool:
    """A value beside a telling name. `password = get_password()` and `password = "password"` are none."""
    file_type = determine_file_type(file_name.lower())
    for part in _windows(line, *KEYWORD_WINDOW):
        if any(is_random(value, 6) for value in _KEYWORD.analyze_string(part, REGEX_BY_FILETYPE.get(file_type))):
            return True
    if any(is_random(value, 6) for value in _PASSWORD.findall(line)):
        return True
    return any(is_random(value, 16) for pattern in (_TOKEN, _BEARER) for value in pattern.findall(line))
