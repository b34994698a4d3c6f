"""A real editor in a terminal that nobody sees, which tmux is: typed into and read as by a person."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

LIMIT_S = 20.0
TMUX = shutil.which("tmux")


class Terminal:
    """socket: tmux's."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def keys(self, *keys: str) -> None:
        """In tmux's notation."""
        self._tmux("send-keys", *keys)

    def types(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return self._tmux("capture-pane", "-p").rstrip()

    @property
    def styled(self) -> str:
        """The same with its colours, as escape sequences."""
        return self._tmux("capture-pane", "-p", "-e").rstrip("\n")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end, f"{what}\n{self.text}"
            time.sleep(0.02)  # between two looks

    def shows(self, text: str) -> None:
        """Wait until it is somewhere on the screen."""
        self.until(lambda: text in self.text, f"never showed {text!r}")

    def hides(self, text: str) -> None:
        """Wait until it is nowhere on the screen."""
        self.until(lambda: text not in self.text, f"never hid {text!r}")

    def writes(self, path: Path, text: str) -> None:
        """Wait until the file on the disk holds exactly this."""
        self.until(lambda: _content(path) == text, f"never wrote {text!r}, but {_content(path)!r}")

    def _tmux(self, *arguments: str) -> str:
        assert TMUX is not None
        ended = subprocess.run([TMUX, "-S", self._socket, *arguments], capture_output=True, text=True, encoding="utf-8")
        assert ended.returncode == 0, f"the editor ended: {ended.stderr}"
        return ended.stdout


def _content(path: Path) -> str | None:
    """None: the editor is about to put a new file in its place."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None


@contextmanager
def terminal(
    argv: Sequence[str], folder: Path, socket: Path, environment: dict[str, str], *, columns: int = 100, lines: int = 24
) -> Iterator[Terminal]:
    """With `argv` in it, started in `folder`, and ended with it."""
    if TMUX is None:
        pytest.skip("editors in a terminal are driven with tmux")
    tmux = [TMUX, "-u", "-f", "/dev/null", "-S", str(socket)]
    size = ["-x", str(columns), "-y", str(lines)]
    subprocess.run(
        [*tmux, "new-session", "-d", *size, *argv], cwd=folder, env=environment | {"LC_ALL": "C.UTF-8"}, check=True
    )
    try:
        yield Terminal(socket)
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True)
