"""Who may ask."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from rung.models.server.http.errors import unauthorized, wrong_host

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
    """Refuses whoever has no key, before anything else of the request is read.

    Where no key is needed, it must be this machine that is asked for: a page in a browser can have its own name point
    here, and would then be no stranger to the browser (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._allowed(scope)(scope, receive, send)

    def _allowed(self, scope: Scope) -> ASGIApp:
        headers = HTTPConnection(scope).headers
        if scope["path"] == HEALTH:
            return self._app
        if not self._keys.opens(headers.get("authorization", "")):
            return unauthorized()
        if not self._keys and not loopback(_name(headers.get("host", ""))):
            return wrong_host()
        return self._app


def loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """Of a Host header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
