"""Files written so that a crash or a full disk leaves nothing that looks whole."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rung.models.catalogue.errors import DiskFull, StoreError
from rung.models.catalogue.progress import Progress

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_SLACK = 1 << 20
_CHUNK = 1 << 20


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file at `path` at once; its folder is made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        move(Path(temporary), path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def move(source: Path, target: Path) -> None:
    """Rename within a disk, and make it last. Raises OSError."""
    os.replace(source, target)
    if os.name == "posix":
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sha256_of(path: Path, progress: Progress) -> str:
    """Of the file, hexadecimal. Raises OSError."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        total = os.fstat(file.fileno()).st_size
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress.advance("checking", done, total)
    return digest.hexdigest()


def keep(path: Path) -> None:
    """Have the disk hold what was written there. Raises OSError."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def need_room(folder: Path, needed: int) -> None:
    """Raise DiskFull unless `needed` bytes are free where `folder` lies."""
    free = shutil.disk_usage(folder).free
    if free < needed + _SLACK:
        raise DiskFull(
            f"{folder} needs {needed:,} bytes more and its disk has {free:,} free: make room there, "
            "or point RUNG_MODELS_DIR to a folder on another disk, and run it again."
        )


@contextmanager
def disk_errors(folder: Path, needed: int = 0) -> Iterator[None]:
    """Turn an OSError of the store into DiskFull or StoreError. needed: bytes that were still to come."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            still = f"{needed:,} bytes more" if needed else "more room"
            raise DiskFull(
                f"The disk of {folder} is full or limited ({error.strerror}) and needs {still}: make room there, or "
                "point RUNG_MODELS_DIR to a folder on another disk, and run it again."
            ) from error
        at = error.filename or folder
        raise StoreError(
            f"{at} cannot be used ({error.strerror or error}): check its permissions, or point RUNG_MODELS_DIR to "
            "another folder."
        ) from error
