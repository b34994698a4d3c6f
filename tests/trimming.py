"""`rung models trim` and `quantize`, as the tests call them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
CORPUS = [f"--corpus={STANDARD_LIBRARY / part}" for part in ("asyncio", "json", "logging", "unittest", "typing.py")]


def rung_models(store: Path, *arguments: str) -> str:
    """The command's output; what it makes is in `store`."""
    command = [sys.executable, "-c", "from rung.lsp.cli.models import app; app()", *arguments]
    environment = os.environ | {"RUNG_MODELS_DIR": str(store)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout
