"""A project as the database knows it."""

from __future__ import annotations

import os
from pathlib import Path


def project_key(root: Path | None) -> str | None:
    """The resolved path of the root folder, so that a link to a project is the project; None outside any.

    Reads the file system: for the database's thread.
    """
    if root is None:
        return None
    try:
        resolved = os.path.realpath(root)
    except ValueError:  # a NUL byte: no file has this name, but an editor may send it
        resolved = str(root)
    return storable(os.path.normcase(resolved))


def storable(text: str) -> str:
    """`text` without lone surrogates, which editors and file names may have and SQLite refuses."""
    return text.encode("utf-8", "backslashreplace").decode()
