"""Where the indexes lie: one file for each project, in the user's cache and not in the project."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import platformdirs

from rung.cascade.retrieval.schema import IDENTITY

UNUSED_S = 60 * 24 * 3600


def index_file(root: Path) -> Path:
    """Of the project `root`, which is resolved: in RUNG_INDEX_DIR, else in the folder `index` of the user's cache.

    Each version of the tables has a file of its own.
    """
    name = hashlib.sha256(os.fsencode(os.path.normcase(root))).hexdigest()[:24]
    override = os.environ.get("RUNG_INDEX_DIR")
    folder = (
        Path(override).expanduser().absolute() if override else platformdirs.user_cache_path("rung", False) / "index"
    )
    return folder / f"{name}-{IDENTITY}.db"


def forget_unused(own: Path) -> None:
    """Delete indexes that nobody opened for UNUSED_S; `own` counts as opened now. Raises OSError."""
    os.utime(own)
    for file in own.parent.glob("*-*.db"):
        try:
            old = time.time() - file.stat().st_mtime > UNUSED_S
        except FileNotFoundError:
            continue  # another process was faster
        if old:
            for suffix in ("", "-wal", "-shm", ".lock"):
                file.with_name(file.name + suffix).unlink(missing_ok=True)
