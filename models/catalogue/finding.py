"""From a name or a path to a checkpoint's file."""

from __future__ import annotations

import difflib
from pathlib import Path

from rung.models.catalogue.entries import CATALOGUE
from rung.models.catalogue.entry import Entry
from rung.models.catalogue.errors import CheckpointMissing, InvalidCheckpoint
from rung.models.catalogue.store import Checkpoint, Store, is_name


def find(name_or_path: str) -> Path:
    """The file of a catalogue's or own checkpoint, or of a path to a .gguf; names win over paths.

    Raises CheckpointMissing, InvalidCheckpoint (a path to something else), StoreError.
    """
    store = Store()
    record = store.get(name_or_path) if is_name(name_or_path) else None
    if record is not None and record.present:
        return record.path
    if record is not None and record.own:
        raise CheckpointMissing(
            f"The file of {record.name}, {record.path}, is gone: run `rung models remove {record.name}`, "
            "then `rung models add` with its new path."
        )
    if record is not None and record.made_from is not None:
        raise CheckpointMissing(
            f"The file of {record.name}, {record.path}, is gone or cut off: run `rung models remove {record.name}` and "
            f"make it again; it was {record.made_from}."
        )
    if name_or_path in CATALOGUE:
        raise CheckpointMissing(f"{name_or_path} is not on this machine yet: run `rung models pull {name_or_path}`.")
    if set(name_or_path) & set("/\\") or name_or_path.lower().endswith(".gguf"):
        return _gguf(name_or_path)
    raise _unknown(name_or_path)


def installed() -> list[Checkpoint]:
    """The checkpoints whose file is here, by name. Raises StoreError."""
    return [record for record in Store().records() if record.present]


def entry_of(name: str) -> Entry:
    """The catalogue's entry. Raises CheckpointMissing."""
    entry = CATALOGUE.get(name)
    if entry is None:
        raise _unknown(name)
    return entry


def _gguf(text: str) -> Path:
    try:
        path = Path(text).expanduser().absolute()
        with path.open("rb") as file:
            magic = file.read(4)
    except (OSError, ValueError, RuntimeError) as error:  # a null character; a home folder that is not known
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CheckpointMissing(f"{text} cannot be read ({reason}): correct the path to the .gguf file.") from error
    if magic != b"GGUF":
        raise InvalidCheckpoint(f"{path} is no usable GGUF checkpoint: it does not begin with the letters GGUF.")
    return path


def _unknown(name: str) -> CheckpointMissing:
    near = difflib.get_close_matches(name, CATALOGUE, n=1)
    hint = f"did you mean {near[0]}?" if near else "`rung models list` shows the names."
    return CheckpointMissing(f"There is no checkpoint named {name!r}: {hint}")
