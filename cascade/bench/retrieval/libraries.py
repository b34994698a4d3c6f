"""SQLite's FTS5 beside search libraries, on the same chunks, tokens and queries.

tantivy and bm25s are not among rung's dependencies: install them to compare.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rung.cascade.bench.retrieval.holes import Hole
from rung.cascade.retrieval.cutting import cut
from rung.cascade.retrieval.index import Index
from rung.cascade.retrieval.preparing import Prepared
from rung.cascade.retrieval.reading import Stamp
from rung.cascade.retrieval.terms import near_terms, telling
from rung.cascade.retrieval.tokens import tokens

TERMS = 24
LIMIT = 40
_STAMP = Stamp(0, 0, b"")

Files = Sequence[tuple[str, str]]


class NotInstalled(Exception):
    """A sentence that says what to install."""


@dataclass(frozen=True, slots=True)
class Library:
    """Seconds. update: of one file with all its chunks, until a search sees it."""

    name: str
    build: float
    update: float
    queries: list[float]
    bytes: int


def compare(files: Files, asked: Sequence[Hole], folder: Path) -> list[Library]:
    """All with the same terms: the TERMS heaviest of each hole, without a limit of postings. Raises NotInstalled."""
    queries = [_heaviest(near_terms(hole.before, hole.after)) for hole in asked]
    return [_fts5(files, queries, folder), _tantivy(files, queries, folder), _bm25s(files, queries, folder)]


def _heaviest(weights: dict[str, float]) -> list[str]:
    return telling(weights, dict.fromkeys(weights, 1), TERMS)


def _fts5(files: Files, queries: Sequence[list[str]], folder: Path) -> Library:
    file = folder / "compared.db"
    start = time.perf_counter()
    index = Index(file)
    prepared = [Prepared(path, _STAMP, list(cut(text))) for path, text in files]
    index.change(prepared)
    index.tidy()
    build = time.perf_counter() - start
    start = time.perf_counter()
    changed = [(line, f"{text}\nx = 1") for line, text in prepared[0].chunks]  # every chunk, as the others have to
    index.change([Prepared(prepared[0].path, _STAMP, changed)])
    update = time.perf_counter() - start
    times = _timed(queries, lambda terms: index.best(terms, (), LIMIT))
    index.close()
    return Library("SQLite FTS5", build, update, times, file.stat().st_size)


def _tantivy(files: Files, queries: Sequence[list[str]], folder: Path) -> Library:
    tantivy = _imported("tantivy")
    place = folder / "tantivy"
    place.mkdir()
    start = time.perf_counter()
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("path", tokenizer_name="raw", stored=True)
    builder.add_text_field("tokens", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("text", tokenizer_name="raw", stored=True, index_option="basic")
    index = tantivy.Index(builder.build(), str(place))
    writer = index.writer(num_threads=1)
    for path, text in _chunks(files):
        writer.add_document(tantivy.Document(path=path, tokens=" ".join(tokens(text)), text=text))
    writer.commit()
    writer.wait_merging_threads()
    build = time.perf_counter() - start
    index.reload()
    writer = index.writer(num_threads=1)
    start = time.perf_counter()
    writer.delete_documents("path", files[0][0])
    for path, text in _chunks(files[:1]):
        writer.add_document(tantivy.Document(path=path, tokens=" ".join(tokens(text)), text=text))
    writer.commit()
    index.reload()
    update = time.perf_counter() - start
    searcher = index.searcher()

    def search(terms: list[str]) -> Any:
        should = [(tantivy.Occur.Should, tantivy.Query.term_query(index.schema, "tokens", term)) for term in terms]
        return searcher.search(tantivy.Query.boolean_query(should), LIMIT).hits

    times = _timed(queries, search)
    size = sum(each.stat().st_size for each in place.iterdir())
    return Library(f"tantivy {tantivy.__version__}", build, update, times, size)


def _bm25s(files: Files, queries: Sequence[list[str]], folder: Path) -> Library:
    """It cannot be updated: an update is a new build, and its file a new file."""
    bm25s = _imported("bm25s")
    start = time.perf_counter()
    retriever = bm25s.BM25(k1=1.2, b=0.75)
    retriever.index([tokens(text) for _, text in _chunks(files)], show_progress=False)
    retriever.save(str(folder / "bm25s"))
    build = time.perf_counter() - start
    times = _timed(queries, lambda terms: retriever.retrieve([terms], k=LIMIT, show_progress=False))
    size = sum(each.stat().st_size for each in (folder / "bm25s").iterdir())
    return Library(f"bm25s {bm25s.__version__}", build, build, times, size)


def _timed(queries: Sequence[list[str]], search: Callable[[list[str]], object]) -> list[float]:
    times: list[float] = []
    for terms in queries:
        start = time.perf_counter()
        search(terms)
        times.append(time.perf_counter() - start)
    return times


def _chunks(files: Files) -> Iterator[tuple[str, str]]:
    return ((path, piece) for path, text in files for _, piece in cut(text))


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise NotInstalled(f"{name} is not installed: pip install tantivy bm25s.") from None
