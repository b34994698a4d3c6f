"""One editor, from its first byte to its last."""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types
from pygls.exceptions import JsonRpcException, PyglsError
from pygls.lsp.server import LanguageServer

from rung.lsp.server.commands import register_commands
from rung.lsp.server.completion import Completions
from rung.lsp.server.contract import MakeCompleter
from rung.lsp.server.frames import BrokenFraming, FrameParser
from rung.lsp.server.indexing import Indexing
from rung.lsp.server.lifetime import wait_for_death
from rung.lsp.server.menu import register_menu
from rung.lsp.server.notices import Notices
from rung.lsp.server.offers import Offers
from rung.lsp.server.open_files import OpenFiles
from rung.lsp.server.outcomes import register_outcomes
from rung.lsp.server.pausing import Pausing
from rung.lsp.server.projects import Projects
from rung.lsp.server.protocol import RungProtocol, log_failure
from rung.lsp.server.status import Status
from rung.lsp.server.streams import Sink, Source
from rung.lsp.server.uris import path_of
from rung.lsp.server.warming import Warming
from rung.lsp.server.watching import watch_files
from rung.lsp.server.wire import Refusal

log = logging.getLogger(__name__)

_STOP_S = 5.0  # for climbs to stop


class RungServer(LanguageServer):
    """pygls's registry of handlers. Errors are answered and logged, never shown as messages."""

    def __init__(self) -> None:
        super().__init__("rung", _version(), protocol_cls=RungProtocol)

    def report_server_error(self, error: Exception, source: type[PyglsError] | type[JsonRpcException]) -> None:
        log_failure("A handler", error)


class Session:
    """The parts that serve one editor. watch_parent: end when the editor's process does."""

    def __init__(self, make: MakeCompleter, source: Source, sink: Sink, *, watch_parent: bool) -> None:
        self.server = RungServer()
        protocol = self.server.protocol
        assert isinstance(protocol, RungProtocol)
        self.protocol = protocol
        self.notices = Notices(protocol)
        self.projects = Projects(make, self.notices)
        self.offers = Offers()
        self.open_files = OpenFiles(protocol.documents)
        self.pausing = Pausing()
        self.status = Status(protocol, self.pausing)
        self.completions = Completions(protocol, self.projects, self.offers, self.open_files, self.pausing, self.status)
        self.indexing = Indexing(protocol)
        self.projects.on_open = lambda project: project.completer.on_indexing(self.indexing.tell)
        self.warming = Warming(self.projects, self.pausing)
        self._source, self._sink = source, sink
        self._watch_parent = watch_parent
        self._exit: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._parent: asyncio.Task[None] | None = None
        protocol.on_exit = self.end
        protocol.sink = sink
        _register(self)
        register_commands(self)
        register_outcomes(self)

    def end(self, status: int) -> None:
        """Let `run` end."""
        if not self._exit.done():
            self._exit.set_result(status)

    async def run(self) -> int:
        """Serve until the client says `exit`, its end of the stream closes or `end` is called: the exit status."""
        reading = asyncio.get_running_loop().create_task(self._read())
        try:
            await asyncio.wait({reading, self._exit}, return_when=asyncio.FIRST_COMPLETED)
            if not self._exit.done():
                return reading.result()
            return self._exit.result()
        finally:
            reading.cancel()
            await self._close()

    async def _read(self) -> int:
        parser = FrameParser()
        while chunk := await self._source.read():
            try:
                for body in parser.feed(chunk):
                    self.protocol.receive(body)
            except BrokenFraming as error:
                self.protocol.refuse(Refusal(types.ErrorCodes.ParseError, f"rung ends this session: {error}."))
                return 1
            if self._sink.lost:
                log.warning("The client does not read.")
                return 1
        return 0 if self.protocol.was_shut_down else 1

    async def _close(self) -> None:
        """No process of a model survives this."""
        if self._parent is not None:
            self._parent.cancel()
        self.protocol.cancel_requests()
        self.notices.close()
        self.offers.close_all()
        self.indexing.close()
        self.status.close()
        await asyncio.gather(self.completions.close(_STOP_S), self.warming.close(_STOP_S))
        await self.offers.reported(_STOP_S)
        await self.projects.close()
        await self._sink.close()

    def on_disk(self, file: Path | None) -> None:
        """It was saved, made, changed or deleted: the projects that it is in look at it."""
        if file is not None:
            for project in self.projects.all:
                if project.root is not None and file.is_relative_to(project.root):
                    self.notices.run(project.completer.saved(file))

    def watch_parent(self, pid: int | None) -> None:
        if pid is not None and pid > 0 and self._watch_parent and self._parent is None:
            self._parent = asyncio.get_running_loop().create_task(wait_for_death(pid))
            self._parent.add_done_callback(self._parent_ended)

    def _parent_ended(self, watch: asyncio.Task[None]) -> None:
        if watch.cancelled():
            return
        if (error := watch.exception()) is not None:
            log_failure("Watching the editor's process", error)
        else:
            log.warning("The editor's process is gone.")
            self.end(1)


def _register(session: Session) -> None:
    server = session.server

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        session.watch_parent(params.process_id)
        if not session.protocol.client_knows_inline:
            register_menu(session)

    @server.feature(types.INITIALIZED)
    def initialized(params: types.InitializedParams) -> None:
        session.notices.run(watch_files(session.protocol))

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions(work_done_progress=True))
    def inline_completion(
        params: types.InlineCompletionParams,
    ) -> asyncio.Task[types.InlineCompletionList | None] | None:
        session.warming.asked()
        return session.completions.ask(params)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        uri = unquote(params.text_document.uri)
        session.completions.overtake(uri)
        session.offers.closed(uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        uri = unquote(params.text_document.uri)
        document = session.protocol.documents().find(uri)
        if document is not None:
            session.offers.changed(uri, document, params.content_changes)
            session.completions.changed(uri, document, params.content_changes)
            session.open_files.changed(document, params.content_changes)
            session.warming.changed(document, params.content_changes)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        session.warming.stop()
        uri = unquote(params.text_document.uri)
        session.completions.overtake(uri)
        session.offers.closed(uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_watched_files(params: types.DidChangeWatchedFilesParams) -> None:
        session.projects.look_again()
        for change in params.changes:
            session.on_disk(path_of(change.uri))

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        session.on_disk(path_of(params.text_document.uri))


def _version() -> str:
    try:
        return version("rung")
    except PackageNotFoundError:  # run from a work tree
        return "unknown"
