"""Lists of patterns in the syntax of .gitignore, decided as git does: the last pattern that matches wins.

pathspec translates a pattern; which path is asked, and in which order, is decided here and in `ignored`, because git
asks for every folder above a file first, and what lies in an ignored folder cannot be taken out again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

ALWAYS_NEVER_SENT = (
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.ppk",
    "*.gpg",
    "*.tfstate",
    "*.tfvars",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".pypirc",
    ".npmrc",
    ".htpasswd",
    ".git-credentials",
    ".ssh/",
    ".gnupg/",
    ".aws/",
    ".kube/",
    ".docker/config.json",
    ".git/",
    "secrets.y*ml",
    "secrets.json",
    "secrets.toml",
    "credentials.json",
    "service-account*.json",
)
"""Asked before `never_send`, which can take files out again with `!pattern`."""

MAX_STARS = 3
"""In one segment of a path. Each star more multiplies the steps of the regular expression that pathspec makes of it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern. line: 1-based, in its file or list."""

    line: int
    text: str
    ignores: bool
    _regex: re.Pattern[str]

    def matches(self, path: str, is_folder: bool) -> bool:
        """`path` itself, not something in it. Separated by "/", relative to where the list lies."""
        found = self._regex.search(path)
        # the named group of a match is the "/" after a folder that the pattern names: then it is about what lies in it
        if found is not None and found.lastgroup is None:
            return True
        end = len(path) + 1
        return is_folder and any(m.lastgroup and m.end() == end for m in self._regex.finditer(f"{path}/"))


@dataclass(frozen=True, slots=True)
class PatternList:
    """Patterns of one file or setting, last one first."""

    rules: tuple[Rule, ...]
    ignore_case: bool

    @classmethod
    def of(cls, lines: Iterable[str], ignore_case: bool) -> PatternList:
        """Lines that are no patterns match nothing, as in git."""
        rules = [rule for number, line in enumerate(lines, 1) if (rule := _rule(number, line, ignore_case))]
        return cls(tuple(reversed(rules)), ignore_case)

    def decide(self, path: str, is_folder: bool) -> Rule | None:
        """The rule that decides about `path`, ignoring or not; None where this list says nothing."""
        if self.ignore_case:
            path = path.lower()
        return next((rule for rule in self.rules if rule.matches(path, is_folder)), None)

    def first_ignoring(self, path: str) -> Rule | None:
        """The rule by which this list alone ignores the file `path` or a folder above it."""
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            rule = self.decide("/".join(parts[:end]), is_folder=end < len(parts))
            if rule is not None and rule.ignores:
                return rule
        return None


def _rule(number: int, line: str, ignore_case: bool) -> Rule | None:
    text = line.rstrip("\r")
    # `a/**/` is every folder in a; pathspec takes it for every file too
    exact = re.sub(r"((?:^!?|/)\*\*/)(\s*)$", r"\1*/\2", text)
    simple = _bounded(exact.lower() if ignore_case else exact)
    if simple is None:
        return None
    try:
        (pattern,) = GitIgnoreSpec.from_lines([simple]).patterns
    except (ValueError, re.error):
        return None
    if pattern.include is None or pattern.regex is None:
        return None
    return Rule(number, text.strip(), pattern.include, pattern.regex)


def _bounded(pattern: str) -> str | None:
    """A pattern that can be matched quickly, whoever wrote it.

    One with very many stars becomes one that ignores more, or is left out if it takes files out again.
    """
    segments = pattern.split("/")
    folders = [index for index, segment in enumerate(segments) if segment == "**"]
    complicated = [index for index, segment in enumerate(segments) if segment.count("*") > MAX_STARS]
    if len(folders) <= MAX_STARS and not complicated:
        return pattern
    if pattern.startswith("!"):
        return None
    for index in complicated:
        segments[index] = "*"
    if len(folders) > MAX_STARS:
        segments[folders[0] : folders[-1] + 1] = ["**"]
    return "/".join(segments)
