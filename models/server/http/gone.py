"""Work for a client that may go away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Send

_SEND_S = 30.0


async def unless_gone(receive: Receive, work: Coroutine[None, None, None]) -> None:
    """Do `work`; where the client closes the connection first, cancel it, and raise ClientDisconnect when it has ended.

    receive: of a request whose body has been read.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
    finally:
        watching.cancel()
        working.cancel()  # nothing, where it is done
        await asyncio.wait((working, watching))
    if working.cancelled():
        raise ClientDisconnect
    working.result()


def patient(send: Send) -> Send:
    """A client that does not read for so long is gone: raises ClientDisconnect."""

    async def bounded(message: Message) -> None:
        try:
            async with asyncio.timeout(_SEND_S):
                await send(message)
        except TimeoutError:
            raise ClientDisconnect from None

    return bounded


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
