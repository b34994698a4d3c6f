"""Which file a document's URI names."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

_DRIVE = re.compile(r"/[A-Za-z]:(?:/|$)")


def path_of(uri: str) -> Path | None:
    """The file, or None: never saved (`untitled:`), on another machine, not a path here, or not a URI."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    text = os.fsdecode(unquote_to_bytes(parts.path))
    if os.name == "nt":
        text = _windows_path(parts.netloc, text)
    elif parts.netloc not in {"", "localhost"} or _DRIVE.match(text):
        return None
    path = Path(text)
    return path if path.is_absolute() and "\0" not in text else None


def _windows_path(host: str, path: str) -> str:
    if host and host != "localhost":
        return f"//{host}{path}"
    return path[1:] if _DRIVE.match(path) else path
