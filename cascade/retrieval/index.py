"""The index of a project: its files, their chunks and the tokens of each, in one SQLite file.

Every method runs where it is called, in one thread at a time. Several processes may have the same file open; each
change is one transaction. Raises sqlite3.Error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.preparing import Prepared
from rung.cascade.retrieval.reading import Stamp
from rung.cascade.retrieval.schema import CHUNKS_OF_A_FILE, connect
from rung.cascade.retrieval.tokens import tokens


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the whole index."""

    chunks: int
    tokens: int


class Index:
    """Raises Damaged, NoFullText, sqlite3.Error, OSError when it is opened."""

    def __init__(self, path: Path) -> None:
        self.connection = connect(path)

    def close(self) -> None:
        self.connection.close()

    def known(self) -> dict[str, Stamp]:
        """The files that are in it, also those without text, by their path."""
        rows = self.connection.execute("SELECT path, mtime_ns, size, hash FROM files")
        return {path: Stamp(mtime_ns, size, hash_) for path, mtime_ns, size, hash_ in rows}

    def stamp(self, path: str) -> Stamp | None:
        """None where the file is not in it."""
        row = self.connection.execute("SELECT mtime_ns, size, hash FROM files WHERE path = ?", (path,)).fetchone()
        return None if row is None else Stamp(*row)

    def change(self, put: Sequence[Prepared] = (), seen: Sequence[Prepared] = (), gone: Iterable[str] = ()) -> None:
        """Put files in, or anew; note the new times of unchanged ones; take out those that are gone."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            for path in gone:
                self._remove(path)
            for file in seen:
                self.connection.execute(
                    "UPDATE files SET mtime_ns = ?, size = ? WHERE path = ?",
                    (file.stamp.mtime_ns, file.stamp.size, file.path),
                )
            for file in put:
                self._put(file)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def tidy(self) -> None:
        """After many changes: what FTS5 keeps in several parts becomes one, which is smaller and faster."""
        self.connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def below(self, folder: str) -> list[str]:
        """The files in a folder."""
        start = folder + "/"
        rows = self.connection.execute(
            "SELECT path FROM files WHERE path >= ? AND path < ?", (start, folder + chr(ord("/") + 1))
        )
        return [path for (path,) in rows]

    def ids(self, paths: Collection[str]) -> list[int]:
        """Of those files that are in it."""
        marks = ", ".join("?" * len(paths))
        rows = self.connection.execute(f"SELECT id FROM files WHERE path IN ({marks})", tuple(paths))
        return [id_ for (id_,) in rows]

    def totals(self) -> Totals:
        return Totals(
            *self.connection.execute("SELECT coalesce(sum(chunks), 0), coalesce(sum(tokens), 0) FROM files").fetchone()
        )

    def frequency(self, token: str) -> int:
        """In how many chunks it stands."""
        row = self.connection.execute("SELECT doc FROM vocabulary WHERE term = ?", (token,)).fetchone()
        return 0 if row is None else int(row[0])

    def version(self) -> int:
        """Another one after something was changed by any connection but this."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def best(self, terms: Iterable[str], without: Iterable[int], limit: int) -> list[int]:
        """The chunks that match any of the terms best by BM25, by id. without: files that are left out, by id."""
        left_out = ", ".join(map(str, without))
        rows = self.connection.execute(
            f"SELECT rowid FROM words WHERE words MATCH ? AND rowid / {CHUNKS_OF_A_FILE} NOT IN ({left_out}) "
            "ORDER BY bm25(words) LIMIT ?",
            (" OR ".join(f'"{term}"' for term in terms), limit),
        )
        return [id_ for (id_,) in rows]

    def chunks(self, ids: Iterable[int]) -> list[tuple[Chunk, list[str]]]:
        """Those that are still in it, with their tokens, by id."""
        rows = self.connection.execute(
            "SELECT path, first_line, text, chunks.tokens FROM chunks "
            f"JOIN files ON files.id = chunks.id / {CHUNKS_OF_A_FILE} "
            f"WHERE chunks.id IN ({', '.join(map(str, ids))}) ORDER BY chunks.id"
        )
        return [(Chunk(path, first_line, text), joined.split(" ")) for path, first_line, text, joined in rows]

    def texts(self, path: str) -> dict[str, list[int]]:
        """The chunks of a file: text, and the ids of the chunks with this text."""
        texts: dict[str, list[int]] = {}
        for id_, text in self.connection.execute(
            f"SELECT chunks.id, text FROM files JOIN chunks ON chunks.id >= files.id * {CHUNKS_OF_A_FILE} "
            f"AND chunks.id < (files.id + 1) * {CHUNKS_OF_A_FILE} WHERE path = ?",
            (path,),
        ):
            texts.setdefault(text, []).append(id_)
        return texts

    def _put(self, file: Prepared) -> None:
        """Only what changed of it is written: after most edits that is one chunk."""
        before = self.texts(file.path)
        kept: list[tuple[int, int]] = []
        new: list[tuple[int, str]] = []
        for line, text in file.chunks:
            if ids := before.get(text):
                kept.append((line, ids.pop()))
            else:
                new.append((line, text))
        removed = self._forget(id_ for ids in before.values() for id_ in ids)
        row = self.connection.execute("SELECT id, tokens FROM files WHERE path = ?", (file.path,)).fetchone()
        id_, total = row or (self._added(file), 0)
        self.connection.executemany("UPDATE chunks SET first_line = ?1 WHERE id = ?2 AND first_line != ?1", kept)
        used = {kept_id for _, kept_id in kept}
        first = id_ * CHUNKS_OF_A_FILE
        free = (place for place in range(first, first + CHUNKS_OF_A_FILE) if place not in used)
        added = self._learn((place, line, text) for place, (line, text) in zip(free, new, strict=False))
        self.connection.execute(
            "UPDATE files SET mtime_ns = ?, size = ?, hash = ?, chunks = ?, tokens = ? WHERE id = ?",
            (*_columns(file), len(file.chunks), total - removed + added, id_),
        )

    def _added(self, file: Prepared) -> int:
        id_ = self.connection.execute(
            "INSERT INTO files (path, mtime_ns, size, hash, chunks, tokens) VALUES (?, ?, ?, ?, 0, 0)",
            (file.path, *_columns(file)),
        ).lastrowid
        assert id_ is not None
        return id_

    def _remove(self, path: str) -> None:
        self._forget(id_ for ids in self.texts(path).values() for id_ in ids)
        self.connection.execute("DELETE FROM files WHERE path = ?", (path,))

    def _learn(self, chunks: Iterable[tuple[int, int, str]]) -> int:
        """(id, first line, text). How many tokens they have."""
        total = 0
        for id_, line, text in chunks:
            found = tokens(text)
            joined = " ".join(found)
            total += len(found)
            self.connection.execute("INSERT INTO chunks VALUES (?, ?, ?, ?)", (id_, line, text, joined))
            self.connection.execute("INSERT INTO words (rowid, tokens) VALUES (?, ?)", (id_, joined))
        return total

    def _forget(self, ids: Iterable[int]) -> int:
        """How many tokens the chunks had."""
        total = 0
        for id_ in ids:
            (joined,) = self.connection.execute("DELETE FROM chunks WHERE id = ? RETURNING tokens", (id_,)).fetchone()
            self.connection.execute("INSERT INTO words (words, rowid, tokens) VALUES ('delete', ?, ?)", (id_, joined))
            total += len(joined.split())
        return total


def _columns(file: Prepared) -> tuple[int, int, bytes]:
    return file.stamp.mtime_ns, file.stamp.size, file.stamp.hash
