"""What can go wrong with checkpoints; `str(error)` is one sentence that a user can act on.

CatalogueError
├── CheckpointMissing     the name or path leads to no file here
├── InvalidCheckpoint     the file is no GGUF language model, or is damaged
├── PullFailed            no source gave the file
├── DiskFull              the store's disk (or a quota or limit on it) has no room
└── StoreError            the store's folder cannot be read or written, a name is taken, another pull does not end
"""

from __future__ import annotations


class CatalogueError(Exception):
    """A checkpoint could not be found, fetched or registered."""


class CheckpointMissing(CatalogueError):
    """The name or path leads to no file here."""


class InvalidCheckpoint(CatalogueError):
    """The file is no GGUF language model, or is damaged."""


class PullFailed(CatalogueError):
    """No source gave the file."""


class DiskFull(CatalogueError):
    """The store's disk has no room."""


class StoreError(CatalogueError):
    """The store could not be used."""


class SourceFailed(Exception):
    """One source did not give the file; the next is tried. `str(error)` completes the sentence "SOURCE: …"."""
