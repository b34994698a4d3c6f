"""What tests of the language server share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .server_peer import TcpServer, listening


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpServer]:
    with listening(tmp_path_factory.mktemp("server")) as server:
        yield server
