"""Where `rung serve --tcp` may listen."""

from __future__ import annotations

from ipaddress import ip_address


class AddressRefused(Exception):
    """Not an address to serve on; `str(error)` says what to do."""


def parse_address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[HOST]:PORT` or `PORT`, which is on 127.0.0.1. Raises AddressRefused."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"
    if not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):
        raise AddressRefused(f'"{text}" is not HOST:PORT; write for example --tcp 127.0.0.1:8765.')
    if not _is_loopback(host):
        raise AddressRefused(
            f'rung serves this machine only, and "{host}" is not 127.0.0.1, ::1 or localhost; '
            "from another machine, connect through an SSH tunnel."
        )
    return host or "127.0.0.1", int(port)


def _is_loopback(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
