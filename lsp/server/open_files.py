"""What the projects' completers are told about open documents, when something is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

from lsprotocol import types

from rung.lsp.project_code import OpenFile
from rung.lsp.server.contract import Completer
from rung.lsp.server.documents import Document, Documents
from rung.lsp.server.projects import Project


class _State(NamedTuple):
    document: int
    revision: int


class OpenFiles:
    """A keystroke costs nothing here: completers are told of all changes at once, and fetch texts if they need them."""

    def __init__(self, documents: Callable[[], Documents]) -> None:
        self._documents = documents
        self._lines: dict[Path, int] = {}
        self._told: WeakKeyDictionary[Completer, dict[Path, _State]] = WeakKeyDictionary()

    def changed(self, document: Document, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """Where the user works in it."""
        last = changes[-1] if changes else None
        if document.file is not None and isinstance(last, types.TextDocumentContentChangePartial):
            self._lines[document.file] = last.range.start.line + 1

    def tell(self, project: Project) -> None:
        """Tell the project's completer what it does not know."""
        root = project.root
        if root is None:
            return
        told = self._told.setdefault(project.completer, {})
        open_now: dict[Path, Document] = {}
        for document in self._documents().text_documents.values():
            if isinstance(document, Document) and document.file is not None and document.file.is_relative_to(root):
                open_now[document.file] = document
        news = [
            OpenFile(path, _text_of(document), self._lines.get(path, 1))
            for path, document in open_now.items()
            if told.get(path) != _state(document)
        ]
        closed = [path for path in told if path not in open_now]
        if news or closed:
            project.completer.edited(news, closed)
            self._told[project.completer] = {path: _state(document) for path, document in open_now.items()}


def _state(document: Document) -> _State:
    return _State(id(document), document.revision)


def _text_of(document: Document) -> Callable[[], str]:
    return lambda: document.source
