"""The commands an editor can execute."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from lsprotocol.types import ErrorCodes

from rung.cascade.config.places import user_file
from rung.lsp.server.completion import ACCEPT, MAX_ITEMS
from rung.lsp.server.wire import Refusal

if TYPE_CHECKING:
    from rung.lsp.server.session import Session

EXPLAIN = "rung.explain"
PAUSE = "rung.pause"
STATUS = "rung.status"
STATUS_S = 5.0


def register_commands(session: Session) -> None:
    """Announces and handles them."""

    @session.server.command(ACCEPT)
    def accept(*arguments: Any) -> None:
        """(request id, index of the item): the editor has inserted it."""
        index = arguments[1] if len(arguments) > 1 else 0
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < MAX_ITEMS:
            raise Refusal(ErrorCodes.InvalidParams, f"{ACCEPT} takes the index of an item after the request's id.")
        session.offers.accepted(_id(ACCEPT, arguments, most=2))

    @session.server.command(EXPLAIN)
    def explain(*arguments: Any) -> dict[str, object]:
        """([request id]): why that completion, or the last one; shown where an editor shows no result."""
        explanation = _explanation(session, _id(EXPLAIN, arguments, most=1) if arguments else None)
        window = session.protocol.client_capabilities.window
        if not session.protocol.client_knows_inline or window is None or window.show_document is None:
            session.server.window_show_message(
                types.ShowMessageParams(type=types.MessageType.Info, message=str(explanation["markdown"]))
            )
        return explanation

    @session.server.command(PAUSE)
    def pause(*arguments: Any) -> dict[str, bool]:
        """(where, whether): "here", the project that was worked in last, or "everywhere", for this session."""
        if len(arguments) != 2 or arguments[0] not in ("here", "everywhere") or not isinstance(arguments[1], bool):
            raise Refusal(ErrorCodes.InvalidParams, f'{PAUSE} takes "here" or "everywhere", and true or false.')
        project = session.projects.latest
        root = project.root if project is not None else None
        if arguments[0] == "everywhere":
            session.pausing.everywhere = arguments[1]
        else:
            session.pausing.pause(root, paused=arguments[1])
        if project is not None:
            session.status.look(project)
        return _paused(session)

    @session.server.command(STATUS)
    def status(*arguments: Any) -> asyncio.Task[dict[str, object]]:
        """What every project's completer says of itself."""
        if arguments:
            raise Refusal(ErrorCodes.InvalidParams, f"{STATUS} takes no arguments.")
        return asyncio.get_running_loop().create_task(_status(session))


def _explanation(session: Session, request_id: str | None) -> dict[str, object]:
    if request_id is None:
        project = session.projects.latest
        return project.completer.explain() if project else {"markdown": "Nothing was completed yet."}
    offer = session.offers.find(request_id)
    if offer is None:
        return {"markdown": "This completion is not remembered any more."}
    return offer.project.completer.explain(request_id)


async def _status(session: Session) -> dict[str, object]:
    async with asyncio.timeout(STATUS_S):
        projects = [
            {
                "root": str(project.root) if project.root else None,
                "answers": {
                    "memory": project.from_memory,
                    "models": project.from_models,
                    "underway": project.from_underway,
                },
                "found_ahead": project.found_ahead,
                **await project.completer.status(),
            }
            for project in session.projects.all
        ]
    documents = len(session.protocol.documents().text_documents)
    return {
        "version": session.server.version,
        "configuration": str(user_file()),
        "paused": _paused(session),
        "documents": documents,
        "projects": projects,
    }


def _paused(session: Session) -> dict[str, bool]:
    project = session.projects.latest
    here = session.pausing.here(project.root if project is not None else None)
    return {"here": here, "everywhere": session.pausing.everywhere}


def _id(command: str, arguments: tuple[Any, ...], *, most: int) -> str:
    if not 1 <= len(arguments) <= most or not isinstance(arguments[0], str):
        raise Refusal(ErrorCodes.InvalidParams, f"{command} takes the id of a request.")
    return arguments[0]
