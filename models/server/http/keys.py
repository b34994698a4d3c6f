"""Who may ask."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from rung.models.server.http.errors import unauthorized

HEALTH = "/health"  # tells nothing but whether the server is ready


class Keys:
    """The keys of a server, any of which opens it; none: it is open to all who reach it.

    text: the keys, with blanks between them. Raises ValueError, one sentence without a key, for one that none can send.
    """

    def __init__(self, text: str) -> None:
        keys = text.split()
        if not all(key.isascii() and key.isprintable() for key in keys):
            raise ValueError("A key may have letters, digits and signs of ASCII only.")
        self._digests = [_digest(key) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def opens(self, authorization: str) -> bool:
        """Whether this header holds one of the keys; takes as long for every wrong one."""
        if not self._digests:
            return True
        scheme, _, key = authorization.partition(" ")
        digest = _digest(key.strip())
        same = [hmac.compare_digest(digest, each) for each in self._digests]
        return any(same) and scheme.lower() == "bearer"


class Guard:
    """Refuses whoever has no key, before anything else of the request is read."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["path"] != HEALTH and not self._keys.opens(HTTPConnection(scope).headers.get("authorization", "")):
            app = unauthorized()
        await app(scope, receive, send)


def loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
