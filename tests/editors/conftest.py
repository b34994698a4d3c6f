"""What the tests of real editors share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rung.lsp.large_server import ServerFailed

from .real_ladder import Large, large_running

if TYPE_CHECKING:
    from .vscode_driven import Packaged

_NEOVIMS: list[str | None] = [path for path in os.environ.get("RUNG_NVIM", "").split(os.pathsep) if path]


@pytest.fixture(params=_NEOVIMS or [None])
def nvim(request: pytest.FixtureRequest) -> str:
    """Each binary that RUNG_NVIM names."""
    if request.param is None:
        pytest.skip("RUNG_NVIM names no Neovim; `make test-editors` fetches them")
    return str(request.param)


@pytest.fixture(scope="session")
def large(gemma3: Path) -> Iterator[Large]:
    """The large rung's server; its start takes seconds."""
    try:
        with large_running(gemma3) as large:
            yield large
    except ServerFailed as error:
        pytest.fail(str(error))


@pytest.fixture(scope="module")  # while playwright runs, no other test can have an event loop
def vscode() -> Iterator[Packaged]:
    """The program that RUNG_CODE_SERVER names, and the packaged extension that RUNG_VSIX does."""
    program, vsix = os.environ.get("RUNG_CODE_SERVER"), os.environ.get("RUNG_VSIX")
    if not program or not vsix:
        pytest.skip("RUNG_CODE_SERVER and RUNG_VSIX name no VS Code; `make test-editors` fetches it")
    from .vscode_driven import Packaged, chromium  # needs playwright

    with chromium() as browser:
        yield Packaged(program, Path(vsix), browser)
