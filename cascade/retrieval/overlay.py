"""The open documents as they are now, beside what the index knows of their files on the disk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.cutting import cut
from rung.cascade.retrieval.preparing import is_kept
from rung.cascade.retrieval.reading import written_text
from rung.cascade.retrieval.tokens import tokens

_Counted = tuple[Counter[str], int]


@dataclass(frozen=True, slots=True)
class _Document:
    """places: for each token the numbers of the chunks it stands in."""

    chunks: list[tuple[Chunk, _Counted]]
    places: dict[str, list[int]]


class Overlay:
    """Holds some dozens of documents. For one thread."""

    def __init__(self) -> None:
        self._documents: dict[str, _Document] = {}

    @property
    def paths(self) -> list[str]:
        return list(self._documents)

    def put(self, path: str, text: str) -> None:
        """The present text of a document; only what changed of it is looked at."""
        known = self._documents.get(path)
        before = {chunk.text: found for chunk, found in known.chunks} if known is not None else {}
        name = path.rpartition("/")[2]
        chunks: list[tuple[Chunk, _Counted]] = []
        places: defaultdict[str, list[int]] = defaultdict(list)
        for line, piece in cut(written_text(name, text)):
            found = before.get(piece)
            if found is None:
                if not is_kept(piece, name):
                    continue
                counts = Counter(tokens(piece))
                found = counts, counts.total()
            for token in found[0]:
                places[token].append(len(chunks))
            chunks.append((Chunk(path, line, piece), found))
        self._documents[path] = _Document(chunks, dict(places))

    def drop(self, path: str) -> None:
        self._documents.pop(path, None)

    def frequency(self, token: str) -> int:
        """In how many of its chunks the token stands."""
        return sum(len(document.places.get(token, ())) for document in self._documents.values())

    def matching(self, terms: Iterable[str]) -> Iterator[tuple[Chunk, _Counted]]:
        """Every chunk in which one of the terms stands, with what is counted in it."""
        asked = tuple(terms)
        for document in self._documents.values():
            numbers = {number for term in asked for number in document.places.get(term, ())}
            yield from (document.chunks[number] for number in sorted(numbers))
