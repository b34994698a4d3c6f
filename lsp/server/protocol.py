"""JSON-RPC between rung and one editor: exactly one answer to every request, whatever is sent.

pygls never answers a request whose params do not fit their types, or one that comes after `shutdown`, accepts any order
of the handshake, mixes the ids of both directions, and logs params and payloads, which are source text. So the reading
and answering of messages is rung's own; handlers, types and capabilities are pygls's.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import logging
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lsprotocol import types
from lsprotocol.types import ErrorCodes, LSPErrorCodes
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    lsp_method,
)

from rung.lsp.server.documents import Document, Documents
from rung.lsp.server.streams import Sink
from rung.lsp.server.wire import Message, MessageId, Refusal, read_message, structure

if TYPE_CHECKING:
    from cattrs import Converter

log = logging.getLogger(__name__)

MAX_OPEN_REQUESTS = 1000
AnyFuture = Future[Any] | asyncio.Future[Any]


class ClientRefused(Exception):
    """The client answered with an error, or not in time."""


class RungProtocol(LanguageServerProtocol):
    """One editor's session. on_exit: called with the exit status when the client says `exit`.

    client_knows_inline: whether `initialize` named inline completion among what the client can do.
    """

    sink: Sink | None = None
    _initialized = False  # here, because pygls reads all properties before __init__ is done

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.on_exit: Callable[[int], None] = lambda _: None
        self.client_knows_inline = False
        self._open: set[MessageId] = set()
        self._asked: dict[MessageId, asyncio.Future[Any]] = {}
        self._at_once: dict[MessageId, Callable[[object], None]] = {}

    @property
    def converter(self) -> Converter:
        """Makes classes of JSON."""
        return self._converter

    def documents(self) -> Documents:
        """No property: pygls reads all of these before there is a workspace."""
        workspace = self.workspace
        assert isinstance(workspace, Documents)
        return workspace

    @property
    def ready(self) -> bool:
        """Between `initialize` and `shutdown`."""
        return self._initialized and not self._shutdown

    @property
    def was_shut_down(self) -> bool:
        """Whether the client said `shutdown`."""
        return self._shutdown

    def receive(self, body: bytes) -> None:
        """Handle one message: a request is answered now or when its handler is done."""
        try:
            message = read_message(body)
            if message.method is None:
                self._take_answer(message)
            elif message.id is not None:
                self._begin_request(message.id, message.method, message.data)
            else:
                self._take_notification(message.method, message.data)
        except Refusal as refusal:
            self.refuse(refusal)

    def refuse(self, refusal: Refusal) -> None:
        """Answer with an error."""
        log.warning("Refused a message: %s", refusal.text)
        self._send_error(refusal)

    def drop(self, method: str, why: str) -> None:
        """Of a notification whose params nobody understands."""
        log.warning("Dropped a notification %s, its params do not fit: %s", method, why)

    def client_extra(self, name: str) -> bool:
        """Whether the client can do this beside LSP: {"rung": {name: true}} is in `capabilities.experimental`."""
        experimental = self.client_capabilities.experimental
        extras = experimental.get("rung") if isinstance(experimental, dict) else None
        return isinstance(extras, dict) and extras.get(name) is True

    async def ask(
        self, method: str, params: object, limit: float | None, at_once: Callable[[object], None] = lambda _: None
    ) -> Any:
        """The client's answer, within `limit` seconds; None: as long as the session lasts. Raises ClientRefused.

        at_once: called with what it answered before the next message is read.
        """
        message_id = f"rung-{uuid.uuid4()}"
        self._at_once[message_id] = at_once
        future = self._asked[message_id] = asyncio.get_running_loop().create_future()
        shape = self.get_message_type(method) or JsonRPCRequestMessage
        try:
            self._send_data(shape(id=message_id, method=method, params=params, jsonrpc=self.VERSION))
            data = await asyncio.wait_for(future, limit)
            return self._answer_of(method, data)
        except TimeoutError:
            raise ClientRefused(f"no answer to {method} within {limit:g} s") from None
        finally:
            del self._asked[message_id], self._at_once[message_id]

    def cancel_requests(self) -> None:
        """Each is answered with RequestCancelled."""
        for future in list(self._request_futures.values()):
            future.cancel()

    def _answer_of(self, method: str, data: dict[str, Any]) -> Any:
        if "error" in data:
            raise ClientRefused(f"the client refused {method}")
        shape = self.get_result_type(method)
        try:
            return data.get("result") if shape is None else structure(self._converter, data, shape).result
        except ValueError as error:
            raise ClientRefused(f"the client's answer to {method} does not fit: {error}") from None

    def _take_answer(self, message: Message) -> None:
        future = None if message.id is None else self._asked.get(message.id)
        if message.id is None or future is None or future.done():
            log.warning("The client answered a request that is not open.")
        else:
            future.set_result(message.data)
            try:
                self._at_once[message.id](message.data.get("result"))
            except Exception as error:  # noqa: BLE001  one answer must not end the session
                log_failure("Taking an answer", error)

    def _begin_request(self, message_id: MessageId, method: str, data: dict[str, Any]) -> None:
        if method == types.INITIALIZE and self._initialized:
            raise Refusal(ErrorCodes.InvalidRequest, "The session is initialized already.", message_id)
        if method != types.INITIALIZE and not self._initialized:
            raise Refusal(ErrorCodes.ServerNotInitialized, "`initialize` comes first.", message_id)
        if self._shutdown:
            raise Refusal(ErrorCodes.InvalidRequest, "The session was shut down.", message_id)
        if message_id in self._open:
            raise Refusal(ErrorCodes.InvalidRequest, "A request with this id is still open.", message_id)
        if len(self._open) >= MAX_OPEN_REQUESTS:
            raise Refusal(LSPErrorCodes.RequestFailed, f"{MAX_OPEN_REQUESTS} requests are open.", message_id)
        handler = self._find_handler(method)
        if handler is None:
            raise Refusal(ErrorCodes.MethodNotFound, "rung does not have this method.", message_id)
        try:
            params = self._params(method, data)
        except ValueError as error:
            raise Refusal(ErrorCodes.InvalidParams, f"The params do not fit: {error}", message_id) from None
        if method == types.INITIALIZE:
            # As it was sent: lsp-mode names it with null, which the types do not tell from nothing.
            abilities = data["params"]["capabilities"].get("textDocument") or {}
            self.client_knows_inline = "inlineCompletion" in abilities
        self._open.add(message_id)
        answer = partial(self._send_handler_result, msg_id=message_id)
        contextvars.copy_context().run(self._execute_handler, message_id, handler, answer, (params,))

    def _take_notification(self, method: str, data: dict[str, Any]) -> None:
        if method != types.EXIT and not self.ready:
            log.warning("Dropped a notification outside of the session.")
            return
        handler = self._find_handler(method)
        if handler is None and method != types.CANCEL_REQUEST:
            if not method.startswith("$/"):
                log.warning("Dropped a notification with an unknown method.")
            return
        try:
            params = self._params(method, data)
        except ValueError as error:
            self.drop(method, str(error))
            self._mark_unsynced(method, data)
            return
        if method == types.CANCEL_REQUEST:
            self._cancel(params.id)
        elif handler is not None:
            name = f"notification-{uuid.uuid4()}"
            callback = partial(self._end_notification, name=name)
            contextvars.copy_context().run(self._execute_handler, name, handler, callback, (params,))

    def _cancel(self, message_id: object) -> None:
        if isinstance(message_id, int | str) and (future := self._request_futures.get(message_id)) is not None:
            future.cancel()

    def _mark_unsynced(self, method: str, data: dict[str, Any]) -> None:
        """A change that was not understood: what the document holds now is unknown."""
        params = data.get("params")
        identifier = params.get("textDocument") if isinstance(params, dict) else None
        uri = identifier.get("uri") if isinstance(identifier, dict) else None
        if method == types.TEXT_DOCUMENT_DID_CHANGE and isinstance(uri, str):
            document = self.documents().text_documents.get(unquote(uri))
            if isinstance(document, Document):
                document.revision += 1
                document.in_sync = False

    def _find_handler(self, method: str) -> Callable[..., Any] | None:
        found: Callable[..., Any] | None = self.fm.builtin_features.get(method) or self.fm.features.get(method)
        return found

    def _params(self, method: str, data: dict[str, Any]) -> Any:
        """Raises ValueError with the fields that do not fit."""
        shape = self.get_message_type(method)
        if shape is None:
            return data.get("params")
        return structure(self._converter, {**data, "params": data.get("params") or {}}, shape).params

    def _execute_handler(
        self,
        msg_id: MessageId,
        handler: Callable[..., Any],
        callback: Callable[[Any], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """As pygls, but a plain function may return the task that will have the result.

        What it does itself is then done at the message's place in the order, before the next message is read.
        """
        if inspect.iscoroutinefunction(handler) or inspect.isgeneratorfunction(handler):
            super()._execute_handler(msg_id, handler, callback, args, kwargs)
            return
        future: Future[Any] | asyncio.Task[Any] = Future()
        try:
            result = handler(*(args or ()), **(kwargs or {}))
        except Exception as error:  # noqa: BLE001  handed to the callback, which answers and logs
            future.set_exception(error)
        else:
            if isinstance(result, asyncio.Task):
                future = result
                self._request_futures[msg_id] = result  # type: ignore[assignment]  # as pygls does for coroutines
            else:
                future.set_result(result)
        future.add_done_callback(callback)

    def _send_handler_result(self, future: AnyFuture, *, msg_id: MessageId) -> None:
        self._request_futures.pop(msg_id, None)
        self._open.discard(msg_id)
        error = None if future.cancelled() else future.exception()
        if future.cancelled():
            self._send_error(Refusal(LSPErrorCodes.RequestCancelled, "The request was cancelled.", msg_id))
        elif error is None:
            self._send_data(JsonRPCResponseMessage(id=msg_id, jsonrpc=self.VERSION, result=future.result()))
        elif isinstance(error, JsonRpcException):
            self.refuse(Refusal(error.code or ErrorCodes.InternalError, "The request cannot be handled.", msg_id))
        elif isinstance(error, Refusal):
            self.refuse(Refusal(error.code, error.text, msg_id))
        else:
            log_failure("A request", error)
            text = f"rung failed on this request ({type(error).__name__}); its log says where."
            self.refuse(Refusal(ErrorCodes.InternalError, text, msg_id))

    def _end_notification(self, future: AnyFuture, *, name: str) -> None:
        self._request_futures.pop(name, None)
        if not future.cancelled() and (error := future.exception()) is not None:
            log_failure("A notification", error)

    def notify(self, method: str, params: Any | None = None) -> None:
        shape = self.get_message_type(method) or JsonRPCNotification
        self._send_data(shape(method=method, params=params, jsonrpc=self.VERSION))

    def _send_error(self, refusal: Refusal) -> None:
        error = types.ResponseError(code=refusal.code, message=refusal.text)
        message = types.ResponseErrorMessage(id=refusal.id, error=error)
        data = self._converter.unstructure(message)
        self._send_data({"id": None, **data})  # JSON-RPC wants the null, lsprotocol leaves it out

    def _send_data(self, data: Any) -> None:
        """Sends, and logs nothing of it."""
        if self.sink is not None:
            body = _encode(data, self._serialize_message)
            self.sink.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: object) -> None:  # type: ignore[override]
        """Every open request is answered, and no more are taken."""
        self._shutdown = True
        self.cancel_requests()

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: object) -> None:  # type: ignore[override]
        self.on_exit(0 if self._shutdown else 1)

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Any:
        """pygls's answer, with rung's documents."""
        result: types.InitializeResult = yield from super().lsp_initialize(params)
        self._workspace = Documents(
            self.workspace.root_uri,
            types.TextDocumentSyncKind.Incremental,
            params.workspace_folders,
            result.capabilities.position_encoding,
        )
        self._initialized = True
        return result


def log_failure(what: str, error: BaseException) -> None:
    """Where it failed, without the error's message: that may quote source text."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s failed with %s:\n%s", what, type(error).__name__, frames)


def log_if_failed(what: str, ended: asyncio.Task[Any]) -> None:
    """For a task that nobody awaits; a cancelled one has not failed."""
    if not ended.cancelled() and (error := ended.exception()) is not None:
        log_failure(what, error)


def _encode(data: object, default: Callable[[Any], Any]) -> bytes:
    return json.dumps(data, default=default, separators=(",", ":")).encode()
