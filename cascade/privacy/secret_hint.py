"""Which lines are worth a search for secrets, found in a hundredth of its time: for whole projects, not for prompts.

Every kind that `secret_text` and `secret_shapes` know needs a telling word, or a long run of letters and digits.
"""

from __future__ import annotations

import re

_WORDS = (
    *("key", "pass", "pwd", "secret", "token", "contrase", "credential", "bearer", "basic", "signature", "salt"),
    *("://", "-----", "putty", "sk-", "xox", "akc", "eyj", "gr1348941"),
)
_ARTIFACTORY = re.compile(r"\bAP[\dA-F][A-Za-z0-9]{8}")
_RUN = re.compile(r"[A-Za-z0-9+/=_\\-]{16,}")


def suspicious_lines(text: str) -> str:
    """The lines of `text` that may hold a secret, in their order; "" for most code."""
    if not _is_suspicious(text):
        return ""
    return "\n".join(line for line in text.splitlines() if _is_suspicious(line))


def _is_suspicious(text: str) -> bool:
    small = text.lower()
    if any(word in small for word in _WORDS) or _ARTIFACTORY.search(text):
        return True
    return any(_may_be_random(run) for run in _RUN.findall(text))


def _may_be_random(run: str) -> bool:
    """A name in small letters is not; one in camel case is where it has the length of a token."""
    if any(character.isdigit() for character in run):
        return True
    return (len(run) >= 20 and run.isupper()) or (len(run) >= 22 and not run.isupper() and not run.islower())
