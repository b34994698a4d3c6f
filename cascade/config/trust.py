"""Which project files the user trusts: exactly this content at exactly this place.

One small JSON file for each project file, so that two processes never overwrite each other's entry.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from rung.cascade.config.places import trust_folder
from rung.cascade.config.problems import ConfigError


def is_trusted(file: Path, content: bytes) -> bool:
    """Whether the user trusted `content` at `file`. A damaged entry, or one that others may write, trusts nothing."""
    entry = _entry(file)
    try:
        with entry.open("rb") as opened:
            status = os.fstat(opened.fileno())
            if os.name == "posix" and (status.st_uid != os.getuid() or status.st_mode & 0o022):
                return False
            known = json.loads(opened.read(64 * 1024))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(known, dict) and known.get("path") == _place(file) and known.get("sha256") == _digest(content)


def trust(file: Path, content: bytes) -> None:
    """Trust `content` at `file`, in place of what was trusted there. Raises ConfigError."""
    entry = _entry(file)
    written: str | None = None
    try:
        entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(dir=entry.parent, prefix=".new-")  # its owner alone may read it
        with os.fdopen(handle, "w", encoding="ascii") as opened:
            json.dump({"path": _place(file), "sha256": _digest(content)}, opened)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(written, entry)
        written = None
    except OSError as error:
        raise ConfigError([f"trust cannot be written to {entry.parent}: {error.strerror or error}"]) from error
    finally:
        if written is not None:
            os.unlink(written)


def untrust(file: Path) -> bool:
    """Forget `file`; False where it was not trusted. Raises ConfigError."""
    entry = _entry(file)
    try:
        entry.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError([f"{entry} cannot be removed: {error.strerror or error}"]) from error
    return True


def _place(file: Path) -> str:
    return os.path.normcase(os.path.realpath(file))


def _entry(file: Path) -> Path:
    name = hashlib.sha256(os.fsencode(_place(file))).hexdigest()
    return trust_folder() / f"{name}.json"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
