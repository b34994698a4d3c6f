"""The commands an editor can execute."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from lsprotocol.types import ErrorCodes

from rung.cascade.config.places import user_file
from rung.lsp.server.completion import ACCEPT, MAX_ITEMS
from rung.lsp.server.projects import Project
from rung.lsp.server.uris import path_of
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
    def pause(*arguments: Any) -> asyncio.Task[dict[str, bool]]:
        """(where, whether, [URI]): "here", the project of that file, or "everywhere", for this session."""
        where, paused, *uri = arguments if 2 <= len(arguments) <= 3 else ("", None)
        if where not in ("here", "everywhere") or not isinstance(paused, bool) or not all(map(_is_text, uri)):
            takes = f'{PAUSE} takes "here" or "everywhere", true or false, and perhaps the URI of a file.'
            raise Refusal(ErrorCodes.InvalidParams, takes)
        return asyncio.get_running_loop().create_task(_pause(session, where, paused, *uri))

    @session.server.command(STATUS)
    def status(*arguments: Any) -> asyncio.Task[dict[str, object]]:
        """([URI]): what every project's completer says of itself; and what is paused, "here" being that file's."""
        if len(arguments) > 1 or not all(map(_is_text, arguments)):
            raise Refusal(ErrorCodes.InvalidParams, f"{STATUS} takes the URI of a file, or nothing.")
        return asyncio.get_running_loop().create_task(_status(session, *arguments))


def _explanation(session: Session, request_id: str | None) -> dict[str, object]:
    if request_id is None:
        project = session.projects.latest
        return project.completer.explain() if project else {"markdown": "Nothing was completed yet."}
    offer = session.offers.find(request_id)
    if offer is None:
        return {"markdown": "This completion is not remembered any more."}
    return offer.project.completer.explain(offer.id)


async def _pause(session: Session, where: str, paused: bool, uri: str | None = None) -> dict[str, bool]:
    project = await _project(session, uri)
    if where == "everywhere":
        session.pausing.everywhere = paused
    elif project is None:
        raise Refusal(ErrorCodes.InvalidParams, f"Nothing was completed yet: name a file of the project to {PAUSE}.")
    else:
        session.pausing.pause(project.root, paused=paused)
    if project is not None:
        session.status.look(project)
    return _paused(session, project)


async def _status(session: Session, uri: str | None = None) -> dict[str, object]:
    async with asyncio.timeout(STATUS_S):
        here = await _project(session, uri)
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
        "paused": _paused(session, here),
        "documents": documents,
        "projects": projects,
    }


async def _project(session: Session, uri: str | None) -> Project | None:
    """That of the file; else the one that was worked in last. None: neither, or its configuration cannot be used."""
    return session.projects.latest if uri is None else await session.projects.of(path_of(uri))


def _paused(session: Session, project: Project | None) -> dict[str, bool]:
    here = project is not None and session.pausing.here(project.root)
    return {"here": here, "everywhere": session.pausing.everywhere}


def _is_text(argument: object) -> bool:
    return isinstance(argument, str)


def _id(command: str, arguments: tuple[Any, ...], *, most: int) -> str:
    if not 1 <= len(arguments) <= most or not isinstance(arguments[0], str):
        raise Refusal(ErrorCodes.InvalidParams, f"{command} takes the id of a request.")
    return arguments[0]
