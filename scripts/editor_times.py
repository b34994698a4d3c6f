"""From the last key to grey text in the real editors, beside the server's own time: prints a Markdown table.

    make editor-times        (fetches the editors first; about five minutes)

The small checkpoint answers, alone. Lines are typed key by key. Of each key after which grey text comes is noted when
the editor got it, when its request passed to the server, when the answer passed back, and when the editor had the text
in place, which is on the screen with the next frame.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the tests' drivers

import numpy as np  # noqa: E402

from rung.models.catalogue import find  # noqa: E402
from tests.editors.neovim_driven import Neovim, neovim  # noqa: E402
from tests.editors.real_ladder import RUNG, RealLadder, real_ladder  # noqa: E402
from tests.editors.vscode_driven import Packaged, VSCode, chromium, code_server  # noqa: E402

KEY_S = 0.1  # between two keys
LIMIT_S = 1.5  # for an answer
PROXY = ROOT / "tests" / "editors" / "timed_server.py"
NAMES = ("prices", "names", "words", "numbers", "paths", "items", "rows", "users", "files", "colors")
BEGINNINGS = ("total_{0} = sum(", "best_{0} = max(", "for each in ", "print({0}")


class Timed(Protocol):
    """An editor that notes when keys come and when grey text is in place, in seconds of the system's clock."""

    name: str

    def new_line(self) -> None: ...

    def type(self, character: str) -> None: ...

    def ghost(self) -> str: ...

    def keys(self) -> list[float]: ...

    def drawn(self) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Key:
    pressed: float
    asked: float
    answered: float
    drawn: float


def main() -> None:
    tables = [
        row for binary in os.environ.get("RUNG_NVIM", "").split(os.pathsep) if binary for row in in_neovim(binary)
    ]
    if program := os.environ.get("RUNG_CODE_SERVER"):
        with chromium() as browser:
            tables += in_vscode(Packaged(program, Path(os.environ["RUNG_VSIX"]), browser))
    if not tables:
        sys.exit("RUNG_NVIM and RUNG_CODE_SERVER name no editor: run `make editor-times`.")
    print("| editor | keys | key to request | server | answer to grey text | in all | editor adds | typed through |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    print("\n".join(tables))
    print(
        "\nMilliseconds: median (p90). Typed through: from a key that agrees with the grey text to what is left of it."
    )


def in_neovim(binary: str) -> Iterator[str]:
    with (
        project() as (ladder, log, server),
        in_environment(ladder.environment),
        neovim(binary, ladder.folder, server) as driven,
    ):
        driven.open(ladder.source)
        yield row_of(TimedNeovim(driven), log)


def in_vscode(packaged: Packaged) -> Iterator[str]:
    with project() as (ladder, log, server):
        program = ladder.folder / "rung"
        program.write_text(f"#!/bin/sh\nexec {' '.join(server)}\n")
        program.chmod(0o755)
        settings = {"rung.path": str(program)}
        with code_server(packaged, ladder, settings) as code, code.window(ladder.source) as window:
            yield row_of(TimedVSCode(window), log)


@contextmanager
def in_environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Of this process: Neovim has it from there. The next project looks for its checkpoint in the user's."""
    before = dict(os.environ)
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def project() -> Iterator[tuple[RealLadder, Path, list[str]]]:
    """A file with something in it, the log of the proxy, and the server behind it."""
    with tempfile.TemporaryDirectory(prefix="rung-times-") as folder:
        ladder = real_ladder(Path(folder), find("smollm2-135m"), None, theta=0)
        lists = [f"{name} = load({name!r})" for name in NAMES]
        ladder.source.write_text("\n".join(["from shop import load", "", *lists, ""]))
        log = Path(folder) / "times.log"
        yield ladder, log, [sys.executable, str(PROXY), str(log), str(RUNG), "serve"]


def row_of(editor: Timed, log: Path) -> str:
    for beginning in BEGINNINGS:
        for name in NAMES:
            write(editor, beginning.format(name))
    asked, through = keys_of(editor, log)
    parts = [
        [key.asked - key.pressed for key in asked],
        [key.answered - key.asked for key in asked],
        [key.drawn - key.answered for key in asked],
        [key.drawn - key.pressed for key in asked],
        [key.drawn - key.pressed - (key.answered - key.asked) for key in asked],
        through,
    ]
    return f"| {editor.name} | {len(asked)} + {len(through)} | {' | '.join(map(shown, parts))} |"


def write(editor: Timed, line: str) -> None:
    """A line, and then two characters of what is offered behind it."""
    editor.new_line()
    for character in line:
        editor.type(character)
        time.sleep(KEY_S)
    end = time.monotonic() + LIMIT_S
    while not editor.ghost() and time.monotonic() < end:
        time.sleep(KEY_S)
    for character in editor.ghost()[:2]:
        editor.type(character)
        time.sleep(KEY_S)


def keys_of(editor: Timed, log: Path) -> tuple[list[Key], list[float]]:
    """The keys whose own request brought grey text; of those that found it there, the seconds until it moved."""
    passed = [text.split() for text in log.read_text().splitlines()]
    requests = [(float(at), number) for kind, at, number in passed if kind == "asked"]
    answers = {number: float(at) for kind, at, number in passed if kind == "answered"}
    keys, drawn = editor.keys(), editor.drawn()
    asked, through = [], []
    for pressed, following in zip(keys, [*keys[1:], float("inf")], strict=True):
        at = next((each for each in drawn if pressed < each < following), None)
        if at is None:
            continue
        request = next(((each, number) for each, number in requests if pressed < each < at), None)
        if request is None:
            through.append(at - pressed)
        elif answers.get(request[1], at) < at:
            asked.append(Key(pressed, request[0], answers[request[1]], at))
    return asked, through


def shown(seconds: Sequence[float]) -> str:
    milliseconds = 1000 * np.asarray(seconds)
    return f"{np.median(milliseconds):.1f} ({np.percentile(milliseconds, 90):.1f})" if len(milliseconds) else "–"


class TimedNeovim:
    def __init__(self, driven: Neovim) -> None:
        self._driven = driven
        version = driven.lua("local v = vim.version() return ('%d.%d.%d'):format(v.major, v.minor, v.patch)")
        self.name = f"Neovim {version}"
        driven.lua(_WATCH_NEOVIM)
        driven.keys("G")

    def new_line(self) -> None:
        self._driven.keys("<Esc>o")

    def type(self, character: str) -> None:
        self._driven.keys(character.replace("<", "<lt>"))

    def ghost(self) -> str:
        return self._driven.ghost

    def keys(self) -> list[float]:
        return list(self._driven.lua("return _G.rung_times.keys"))

    def drawn(self) -> list[float]:
        return list(self._driven.lua("return _G.rung_times.drawn"))


_WATCH_NEOVIM = """
local times, ghost = { keys = {}, drawn = {} }, require('rung.ghost')
_G.rung_times = times
local function note(list)
  local seconds, micro = vim.uv.gettimeofday()
  list[#list + 1] = seconds + micro / 1e6
end
vim.on_key(function()
  note(times.keys)
end)
local draw = ghost.draw
ghost.draw = function(...)
  draw(...)
  note(times.drawn)
end
"""


class TimedVSCode:
    name = "VS Code 1.139"

    def __init__(self, driven: VSCode) -> None:
        self._driven = driven
        driven.page.evaluate(_WATCH_VSCODE)

    def new_line(self) -> None:
        self._driven.press("Escape", "Control+End", "Enter", "Home")

    def type(self, character: str) -> None:
        self._driven.page.keyboard.type(character)

    def ghost(self) -> str:
        return self._driven.ghost

    def keys(self) -> list[float]:
        return list(self._driven.page.evaluate("() => rungTimes.keys"))

    def drawn(self) -> list[float]:
        return list(self._driven.page.evaluate("() => rungTimes.drawn"))


_WATCH_VSCODE = """() => {
  const times = { keys: [], drawn: [] };
  window.rungTimes = times;
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  document.addEventListener("keydown", () => times.keys.push(now()), true);
  let last = "";
  new MutationObserver(() => {
    const text = [...document.querySelectorAll(".ghost-text-decoration")].map((each) => each.textContent).join("");
    if (text !== last && text !== "") times.drawn.push(now());
    last = text;
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


if __name__ == "__main__":
    main()
