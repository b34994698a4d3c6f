"""The process that makes or refreshes an index: `python -m rung.cascade.retrieval.building`.

Its standard input gives an `Order` in one line and then stays open; where it ends, this process ends. Its standard
output gives a `Progress` a line. Killed at any time, it leaves an index that the next one completes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from rung.cascade.retrieval.index import Index
from rung.cascade.retrieval.order import Order
from rung.cascade.retrieval.places import forget_unused
from rung.cascade.retrieval.preparing import Prepared, prepare
from rung.cascade.retrieval.progress import Progress
from rung.cascade.retrieval.reading import Stamp, read_source
from rung.cascade.retrieval.schema import Damaged, NoFullText, check, is_damage, remove
from rung.cascade.retrieval.walking import Found, walk

Tell = Callable[[Progress], None]

NICE = 10
"""A tenth of a core while models have them all, else what is free. With 19, beside busy models, a build hardly ever
ends, and holds its lock for seconds."""

LOCK_S = 600.0
LOCK_LOOK_S = 0.5
BATCH_CHARACTERS = 100_000
"""Of files that are written at once: the lock is held for some ten milliseconds."""

TELL_S = 0.1


def main() -> None:
    order = Order.unpack(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICE)
    build(order, _print)


def build(order: Order, tell: Tell) -> None:
    """Only one process at a time builds an index; the next one finds little left to do."""
    file = Path(order.index)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=LOCK_S, poll_interval=LOCK_LOOK_S):
            _build_alone(order, file, tell)
            forget_unused(file)
    except Timeout:
        tell(Progress(0, 0, note=f"Another process has held {file}.lock for {LOCK_S:.0f} seconds; end it."))
    except NoFullText as error:
        tell(Progress(0, 0, note=str(error)))
    except (sqlite3.Error, OSError) as error:
        tell(Progress(0, 0, note=f"The index {file} cannot be written ({error}); the project's code is not searched."))


def _build_alone(order: Order, file: Path, tell: Tell) -> None:
    """A damaged index is made anew, once."""
    try:
        if order.damaged:
            check(file)
        _refresh(order, file, tell)
    except (Damaged, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.DatabaseError) and not is_damage(error):
            raise
        remove(file)
        _refresh(order, file, tell)


def _refresh(order: Order, file: Path, tell: Tell) -> None:
    """What may no longer be in the index leaves it first."""
    root = Path(order.root)
    with contextlib.closing(Index(file)) as index:
        known = index.known()
        found = {each.path: each for each in walk(root, order.never_send, lambda note: tell(Progress(0, 0, note=note)))}
        index.change(gone=[path for path in known if path not in found])
        changed = [each for each in found.values() if not _is_as_known(each, known.get(each.path))]
        done = len(found) - len(changed)
        tell(Progress(done, len(found)))
        told = time.monotonic()
        for batch in _batches(root, changed):
            _write(index, batch, known)
            done += len(batch)
            if time.monotonic() - told > TELL_S:
                tell(Progress(done, len(found)))
                told = time.monotonic()
        if len(changed) > len(found) // 4:
            index.tidy()
    tell(Progress(len(found), len(found), ended=True))


def _is_as_known(found: Found, stamp: Stamp | None) -> bool:
    return stamp is not None and (stamp.mtime_ns, stamp.size) == (found.mtime_ns, found.size)


def _batches(root: Path, files: list[Found]) -> Iterator[list[tuple[str, Stamp | None, str]]]:
    """(path, stamp, text) of files read one after the other; without a stamp it is gone."""
    batch: list[tuple[str, Stamp | None, str]] = []
    characters = 0
    for file in files:
        read = read_source(root / file.path)
        batch.append((file.path, *(read or (None, ""))))
        characters += len(batch[-1][2])
        if characters > BATCH_CHARACTERS or len(batch) == 100:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _write(index: Index, batch: list[tuple[str, Stamp | None, str]], known: dict[str, Stamp]) -> None:
    """A file with the same hash as before only gets its new time."""
    put, seen, gone = [], [], []
    for path, stamp, text in batch:
        before = known.get(path)
        if stamp is None:
            gone.append(path)
        elif before is not None and before.hash == stamp.hash:
            seen.append(Prepared(path, stamp, []))
        else:
            put.append(prepare(path, stamp, text))
    index.change(put, seen, gone)


def _print(progress: Progress) -> None:
    try:
        print(json.dumps(asdict(progress)), flush=True)
    except BrokenPipeError:
        os._exit(1)  # nobody listens


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
