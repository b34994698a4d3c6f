"""Where the requests go, and with which key."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import httpx

from rung.models.protocol import ModelRefused


class Endpoint:
    """The address of an OpenAI-compatible server.

    base_url: as other clients have it, with its `/v1`; a bare host gets `/v1`.
    key: called for each request, so that the key is kept nowhere here. key_name: of the
    environment variable or keyring entry that holds it, for messages.
    Raises ValueError, one sentence, for an address that is none.
    """

    def __init__(self, name: str, base_url: str, key: Callable[[], str | None] | None, key_name: str | None) -> None:
        self.name = name
        self.key_name = key_name
        self._key = key
        self._url = _parse(name, base_url)

    def __str__(self) -> str:
        return str(self._url)

    def url(self, path: str) -> httpx.URL:
        return self._url.copy_with(path=f"{self._url.path}/{path}")

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine."""
        if self._url.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self._url.host).is_loopback
        except ValueError:
            return False

    def key(self) -> str | None:
        """The key, fit to be sent; raises ModelRefused."""
        key = (self._key() or "").strip() if self._key else ""
        if not key:
            return None
        if not (key.isascii() and key.isprintable()):
            raise ModelRefused(
                f"Rung '{self.name}': {self.the_key} holds characters that no key can have; set it again."
            )
        if self._url.scheme == "http" and not self.loopback:
            raise ModelRefused(
                f"Rung '{self.name}': {self.the_key} was not sent, because http:// to {self._url.host} "
                "would show it to the network; use https://."
            )
        return key

    @property
    def the_key(self) -> str:
        return f"the key in {self.key_name}" if self.key_name else "its key"


def headers(key: str | None) -> dict[str, str]:
    """identity: a compressed answer would have no bound on its size."""
    always = {"Accept-Encoding": "identity", "User-Agent": "rung"}
    return always | ({"Authorization": f"Bearer {key}"} if key else {})


def _parse(name: str, base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
        # what the resolver does with it would end in a UnicodeError
        resolvable = "%" not in url.raw_host.decode("ascii").encode("idna").decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError(f"Rung '{name}': its URL is not a URL; write it as https://host/v1.") from None
    if url.scheme not in ("http", "https") or not url.host or not resolvable:
        raise ValueError(f"Rung '{name}': its URL must begin with http:// or https:// and name a host.")
    if url.userinfo:
        raise ValueError(f"Rung '{name}': its URL holds a user name or password; give a key by its name instead.")
    if url.query or url.fragment:
        raise ValueError(f"Rung '{name}': its URL must end with its path, without ? or #.")
    return url.copy_with(path=url.path.rstrip("/") or "/v1")
