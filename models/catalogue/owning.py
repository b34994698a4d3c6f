"""Registers the user's own files, and forgets checkpoints."""

from __future__ import annotations

from pathlib import Path

from rung.models.catalogue.entries import CATALOGUE
from rung.models.catalogue.errors import CheckpointMissing
from rung.models.catalogue.files import disk_errors
from rung.models.catalogue.finding import entry_of
from rung.models.catalogue.header import read_header
from rung.models.catalogue.naming import checked_name, free_name
from rung.models.catalogue.store import Checkpoint, Store, is_name

_REGISTER = "register"  # held while a new name is chosen


def add(path: Path, name: str | None = None) -> Checkpoint:
    """Register the user's GGUF file where it lies; its header is checked. Without a name, one is made of the file's.

    Adding a file again without another name gives what is registered. Raises CatalogueError.
    """
    try:
        path = path.expanduser().absolute()
        header = read_header(path)
        size = path.stat().st_size
    except (OSError, ValueError, RuntimeError) as error:  # a null character; a home folder that is not known
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CheckpointMissing(f"{path} cannot be read ({reason}): correct the path to the .gguf file.") from error
    store = Store()
    with store.locked(_REGISTER, wait=30.0):
        records = {record.name: record for record in store.records()}
        known = next((r for r in records.values() if r.own and r.path == path and name in (None, r.name)), None)
        taken = {*records, *CATALOGUE} - ({known.name} if known else set())
        chosen = known.name if known else checked_name(name, taken) if name is not None else free_name(path.stem, taken)
        checkpoint = Checkpoint(
            name=chosen,
            path=path,
            title=header.title or path.stem,
            licence=header.licence or "not named",
            size=size,
            context=header.context,
            parameters=header.parameters,
            fim=header.fim,
            own=True,
        )
        store.put(checkpoint)
    return checkpoint


def remove(name: str) -> Checkpoint | None:
    """Forget a checkpoint and delete it if rung pulled or made it; the user's own file stays.

    What was pulled in part goes too; then there is no Checkpoint to give back. Raises CatalogueError.
    """
    store = Store()
    record = store.get(name) if is_name(name) else None
    if record is None and not _left_over(store, name):
        entry_of(name)
        raise CheckpointMissing(f"{name} is not here: nothing was removed.")
    with store.locked(name, wait=0.0), disk_errors(store.folder):
        if record is None or not record.own:
            store.target(name).unlink(missing_ok=True)
            store.part(name).discard()
            store.making(name).unlink(missing_ok=True)
        store.forget(name)
    return record


def _left_over(store: Store, name: str) -> bool:
    """A file without a record, or a part."""
    return is_name(name) and (store.target(name).exists() or store.part(name).length > 0 or store.making(name).exists())
