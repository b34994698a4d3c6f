"""The body of a request, within limits."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request

BODY_BYTES = 4 * 1024 * 1024
_THROWN_AWAY_BYTES = 4 * BODY_BYTES  # of a longer body: a client reads its refusal only when it has sent all
_READ_S = 30.0


async def read_body(request: Request) -> bytes:
    """Raises HTTPException (408, 413, 415), and starlette's ClientDisconnect."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        # a form of any web page could be sent to this machine, JSON cannot without its leave
        raise HTTPException(415, "Send the request as Content-Type: application/json.")
    try:
        async with asyncio.timeout(_READ_S):
            return await _read(request)
    except TimeoutError:
        raise HTTPException(408, f"The request did not come within {_READ_S:g} s.", _CLOSE) from None


async def _read(request: Request) -> bytes:
    body = bytearray()
    length = 0
    async for piece in request.stream():
        length += len(piece)
        if length <= BODY_BYTES:
            body += piece
        if length > _THROWN_AWAY_BYTES:
            break
    if length > BODY_BYTES:
        raise HTTPException(413, f"The request has more than {BODY_BYTES:,} bytes.", _CLOSE)
    return bytes(body)


_CLOSE = {"Connection": "close"}
