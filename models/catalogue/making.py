"""Puts a checkpoint that is made of another into the store: at once, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rung.models.catalogue.entries import CATALOGUE
from rung.models.catalogue.errors import StoreError
from rung.models.catalogue.files import disk_errors, keep, move, need_room, sha256_of
from rung.models.catalogue.finding import find
from rung.models.catalogue.header import read_header
from rung.models.catalogue.naming import checked_name, plain_name
from rung.models.catalogue.progress import SILENT, Progress
from rung.models.catalogue.store import Checkpoint, Origin, Store, is_name


@dataclass(frozen=True, slots=True)
class Material:
    """What a checkpoint is made of. stem: what the name of the new one begins with."""

    name: str
    path: Path
    title: str
    licence: str
    size: int
    stem: str


def material(name_or_path: str) -> Material:
    """As `find` finds it, with its header checked. Raises CatalogueError."""
    path = find(name_or_path)
    record = Store().get(name_or_path) if is_name(name_or_path) else None
    with disk_errors(path.parent):
        header = read_header(path)
        size = path.stat().st_size
    if record is not None:
        return Material(record.name, path, record.title, record.licence, size, record.name)
    return Material(
        path.name, path, header.title or path.stem, header.licence or "not named", size, plain_name(path.stem)
    )


def check_free(name: str, made_of: Material, *, replace: bool) -> None:
    """Whether a new checkpoint may have this name. replace: that of another that rung made, too. Raises StoreError."""
    checked_name(name, CATALOGUE, option="--as")
    record = Store().get(name)
    if record is None:
        return
    if record.made_from is None or name == made_of.name:
        checked_name(name, {name}, option="--as")
    if not replace:
        raise StoreError(f"{name} is there already: `--force` makes it anew, `--as` gives the new one another name.")


def make(
    name: str,
    made_of: Material,
    build: Callable[[Path], Origin],
    *,
    title: str,
    room: int,
    replace: bool = False,
    progress: Progress = SILENT,
) -> Checkpoint:
    """Let `build` write the file, check it, and record it under `name`.

    build: given the path to write; what it raises leaves the store as it was. room: bytes that must be free.
    replace: whether a checkpoint of that name that rung made may go. Raises CatalogueError.
    """
    store = Store()
    check_free(name, made_of, replace=replace)
    with store.locked(name, progress, wait=0.0):
        check_free(name, made_of, replace=replace)
        path = store.making(name)
        with disk_errors(store.folder):
            path.unlink(missing_ok=True)  # of one that was killed
            need_room(store.folder, room)
        try:
            origin = build(path)
            with disk_errors(store.folder):
                record = _record(name, made_of, title, path, origin, store, progress)
                keep(path)
                # The old record goes first: a crash in between must not leave it beside the new file.
                store.forget(name)
                move(path, store.target(name))
            store.put(record)
        finally:
            with disk_errors(store.folder):
                path.unlink(missing_ok=True)
    return record


def _record(
    name: str, made_of: Material, title: str, path: Path, origin: Origin, store: Store, progress: Progress
) -> Checkpoint:
    header = read_header(path)
    return Checkpoint(
        name=name,
        path=store.target(name),
        title=title,
        licence=made_of.licence,
        size=path.stat().st_size,
        context=header.context,
        parameters=header.parameters,
        fim=header.fim,
        own=False,
        sha256=sha256_of(path, progress),
        hash_from="rung",
        made_from=origin,
    )
