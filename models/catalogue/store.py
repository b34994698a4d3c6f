"""The folder of checkpoints that are here: pulled and made ones, and the user's own by their path.

NAME.gguf             a pulled checkpoint, or one made of another
records/NAME.json     what is known of it, or of the user's own file
partial/NAME.part     the beginning of one that is being pulled
partial/NAME.making   one that is being made; without use once nobody holds the lock
locks/NAME.lock       held while it is pulled, made, added or removed
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import platformdirs
from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from rung.models.catalogue.entry import Fim
from rung.models.catalogue.errors import StoreError
from rung.models.catalogue.files import disk_errors, write_whole
from rung.models.catalogue.part import Part
from rung.models.catalogue.progress import SILENT, Progress

HashFrom = Literal["catalogue", "hub", "rung", "none"]

_LOCK_SECONDS = 3600.0
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")


def is_name(text: str) -> bool:
    """Could name a checkpoint; such a text is safe in a file name."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Origin:
    """What a checkpoint was made of: the other's name and hexadecimal SHA-256, and how, with which options."""

    name: str
    sha256: str
    how: Literal["quantized", "trimmed"]
    options: dict[str, str]

    def __str__(self) -> str:
        options = " ".join(f"{key} {value}" for key, value in self.options.items())
        return f"{self.how} from {self.name} ({options})"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on this machine.

    own: the user's file, which rung never deletes. size: bytes. context: tokens.
    sha256: checked when it was pulled; "" for own files. hash_from: who named that hash; rung, of what it made.
    source, revision: where it was pulled from; "" for others. made_from: None unless rung made it of another.
    """

    name: str
    path: Path
    title: str
    licence: str
    size: int
    context: int
    parameters: int
    fim: Fim | None
    own: bool
    sha256: str = ""
    hash_from: HashFrom = "none"
    source: str = ""
    revision: str = ""
    made_from: Origin | None = None

    @property
    def present(self) -> bool:
        """The file is there, and a pulled or made one is whole."""
        try:
            return self.path.stat().st_size == self.size or self.own
        except OSError:
            return False


_RECORD = TypeAdapter(Checkpoint)


class Store:
    """RUNG_MODELS_DIR, or `models` in the user's data folder for rung."""

    def __init__(self, folder: Path | None = None) -> None:
        named = os.environ.get("RUNG_MODELS_DIR")
        default = Path(named).expanduser() if named else platformdirs.user_data_path("rung") / "models"
        self.folder = (folder or default).absolute()

    def records(self) -> list[Checkpoint]:
        """All that is known here, by name; files may have gone since. Raises StoreError."""
        with disk_errors(self.folder):
            found = (self.get(path.stem) for path in self._records.glob("*.json"))
            return sorted((record for record in found if record), key=lambda record: record.name)

    def get(self, name: str) -> Checkpoint | None:
        """What is known of one name; None too where the record is unreadable: pulling or adding writes it anew."""
        with disk_errors(self.folder):
            try:
                record = _RECORD.validate_json((self._records / f"{name}.json").read_bytes())
            except (FileNotFoundError, ValidationError):
                return None
        return replace(record, path=self.folder / record.path) if record.name == name else None

    def put(self, record: Checkpoint) -> None:
        """Write down. The path of a file in the store is kept relative, so that the folder can be moved."""
        kept = record if record.own else replace(record, path=Path(self.target(record.name).name))
        with disk_errors(self.folder):
            write_whole(self._records / f"{record.name}.json", _RECORD.dump_json(kept, indent=1))

    def forget(self, name: str) -> None:
        """Remove the record."""
        with disk_errors(self.folder):
            (self._records / f"{name}.json").unlink(missing_ok=True)

    def target(self, name: str) -> Path:
        """Where a pulled or made checkpoint lies."""
        return self.folder / f"{name}.gguf"

    def part(self, name: str) -> Part:
        """The beginning of a checkpoint that is being pulled."""
        return Part(self.folder / "partial", name)

    def making(self, name: str) -> Path:
        """Where a checkpoint lies while it is made."""
        return self.folder / "partial" / f"{name}.making"

    @contextmanager
    def locked(self, name: str, progress: Progress = SILENT, wait: float = _LOCK_SECONDS) -> Iterator[None]:
        """One process at a time works on a name; another waits `wait` seconds. Raises StoreError."""
        locks = self.folder / "locks"
        with disk_errors(self.folder):
            locks.mkdir(parents=True, exist_ok=True)
            (self.folder / "partial").mkdir(exist_ok=True)
            lock = FileLock(locks / f"{name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if wait:
                    progress.note(f"Another rung works on {name}; waiting for it.")
                self._wait(lock, name, wait)
        try:
            yield
        finally:
            lock.release()

    @property
    def _records(self) -> Path:
        return self.folder / "records"

    def _wait(self, lock: FileLock, name: str, seconds: float) -> None:
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            raise StoreError(f"Another rung still works on {name}: wait for its end, or stop it.") from None
