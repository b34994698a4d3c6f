"""Where a shared worker is found: the same place for all servers that would start the same worker."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from filelock import FileLock

from rung.models import build_info
from rung.models.llama.owner import runtime_folder
from rung.models.llama.settings import EngineSettings


@dataclass(frozen=True, slots=True)
class Address:
    """folder: owner-only. key: names the checkpoint, the engine's settings and the code of both sides."""

    folder: Path
    key: str

    @property
    def socket(self) -> Path:
        return self.folder / f"{self.key}.sock"

    @property
    def log(self) -> Path:
        """The standard error of the worker that listens, or listened last."""
        return self.folder / f"{self.key}.log"

    def lock(self) -> FileLock:
        """Held by a server while it connects or starts the worker, and by the worker while it ends. Never waits."""
        return FileLock(self.folder / f"{self.key}.lock", blocking=False, mode=0o600)


def find_address(checkpoint: Path, engine: EngineSettings) -> Address:
    """Of the worker for the file as it is now. Raises CannotShare, and OSError where the file is not there."""
    path = checkpoint.resolve(strict=True)
    status = path.stat()
    identity = [str(path), status.st_size, status.st_mtime_ns, asdict(engine), *_code()]
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Address(runtime_folder(), key)


def _code() -> Iterator[str]:
    """What an upgrade of rung or of llama.cpp changes, and an edit of rung's own files too."""
    yield sys.prefix
    for distribution in ("rung", "llama-cpp-python"):
        try:
            yield metadata.version(distribution)
        except metadata.PackageNotFoundError:
            yield ""
    here = Path(__file__).parent
    for path in (*sorted(here.rglob("*.py")), here.parent / "protocol.py", build_info.record_path()):
        yield _stamp(path)


def _stamp(path: Path) -> str:
    try:
        status = os.stat(path)
    except FileNotFoundError:  # no record of the build
        return ""
    return f"{path.name} {status.st_size} {status.st_mtime_ns}"
