from __future__ import annotations

import pytest

from rung.cascade.sandbox import Sandbox, SandboxUnavailable


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The real one; where this machine has none, its tests are skipped and say why."""
    try:
        return Sandbox.find()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
