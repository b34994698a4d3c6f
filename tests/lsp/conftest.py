"""What tests of the language server share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from .server_peer import Peer, TcpServer, inserted, listening


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpServer]:
    with listening(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    """Offered " + 1" by "climb-1" behind "SURE", in line 1 of three."""
    async with server.connect() as peer:
        await peer.initialize()
        peer.open("untitled:a", "a\nSURE\nz")
        assert inserted(await peer.complete("untitled:a", 1, 4)) == [" + 1"]
        yield peer
