"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """In place of what was there, whose mode is kept; its folder is made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()  # a link stays one
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    if path.exists():
        os.chmod(part, path.stat().st_mode)
    part.replace(path)
