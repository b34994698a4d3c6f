"""What many tests need: the real checkpoints."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path

import pytest

# A shell ignores Ctrl-C in what it runs in the background, and so would all processes that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Read by the threads of llama.cpp: those that wait must not take the cores from those that work, nor sleep at once.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")
# No worker outlives its test, and none that the user's editors run is asked. Tests of sharing say so themselves.
os.environ["RUNG_WORKER"] = "private"

from rung.models.catalogue import CheckpointMissing, find

from .servers import program
from .trimming import CORPUS, rung_models

_SERVER = importlib.util.find_spec("torch") is not None
collect_ignore_glob = (
    []
    if _SERVER
    else [
        "models/test_server_*",
        "lsp/test_cli_serve_model*",
        "lsp/test_cli_exits*",
        "e2e/test_own_*",
        "e2e/test_exits_*",
        "lsp/test_bench_exits*",
    ]
)


def pytest_report_header() -> str | None:
    return None if _SERVER else "no torch: the tests of `rung serve-model` are left out; `make server` installs it"


@pytest.fixture(scope="session", autouse=True)
def indexes(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No index of a test's project is left in the user's cache."""
    os.environ["RUNG_INDEX_DIR"] = str(tmp_path_factory.mktemp("indexes"))


@pytest.fixture(scope="session")
def llama_server_program() -> str:
    """llama.cpp's own."""
    return program("llama-server", "RUNG_LLAMA_SERVER", " (scripts/get-llama-server.sh)")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    return _checkpoint("smollm2-135m")


@pytest.fixture(scope="session")
def gemma3() -> Path:
    return _checkpoint("gemma3-270m")


@pytest.fixture(scope="session")
def gemma3_trimmed(gemma3: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a tenth of its vocabulary: transformers takes 9 s to load it instead of 40."""
    store = tmp_path_factory.mktemp("trimmed")
    rung_models(store, "trim", str(gemma3), *CORPUS, "--tokens", "24576", "--as", "gemma3-trimmed")
    return store / "gemma3-trimmed.gguf"


def _checkpoint(name: str) -> Path:
    try:
        return find(name)
    except CheckpointMissing as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
