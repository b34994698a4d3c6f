"""Makes the pictures of the README: real use of the real editors, with real models.

make pictures        (fetches the editors first; writes docs/vscode.gif, docs/vscode.png and docs/neovim.svg)
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the tests' drivers

from PIL import Image  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.terminal_theme import SVG_EXPORT_THEME, TerminalTheme  # noqa: E402
from rich.text import Text  # noqa: E402

from rung.models.catalogue import find  # noqa: E402
from tests.editors.neovim_driven import configured  # noqa: E402
from tests.editors.real_ladder import RUNG, SERVE, Large, RealLadder, large_running, real_ladder  # noqa: E402
from tests.editors.terminal_driven import terminal  # noqa: E402
from tests.editors.vscode_driven import Packaged, VSCode, chromium, code_server  # noqa: E402

DOCS = ROOT / "docs"
THETA = 0.6
SIZE = (940, 500)
COLORS = 96
KEY_S, LOOK_S, LIMIT_S = 0.07, 1.6, 20.0
COLUMNS = 84
# Neovim's own colours are written out; these are of the frame and of plain text.
NEOVIM = TerminalTheme((20, 22, 27), (224, 226, 234), [SVG_EXPORT_THEME.ansi_colors[index] for index in range(8)])
LOOKS = """
vim.cmd.syntax('on')
vim.opt.termguicolors = true
vim.opt.number = true
vim.opt.laststatus = 2
vim.opt.statusline = ' %f %= %{v:lua.require("rung.status").text()} '
"""
BEGINNING = '"""Shapes."""\n\nimport math\n\n\n'
PLAIN = {
    "breadcrumbs.enabled": False,
    "editor.fontSize": 16,
    "editor.lineHeight": 25,
    "editor.minimap.enabled": False,
    "editor.occurrencesHighlight": "off",
    "editor.renderLineHighlight": "none",
    "editor.scrollBeyondLastLine": False,
    "window.commandCenter": False,
    "workbench.activityBar.location": "hidden",
    "workbench.colorTheme": "Default Dark Modern",
    "workbench.layoutControl.enabled": False,
}


class Film:
    """Frames of a window, each shown as long as nothing changed."""

    def __init__(self, editor: VSCode) -> None:
        self._editor = editor
        self._frames: list[tuple[Image.Image, float]] = []

    def take(self) -> None:
        image = Image.open(io.BytesIO(self._editor.page.screenshot())).convert("RGB")
        if not self._frames or image != self._frames[-1][0]:
            self._frames.append((image, time.monotonic()))

    def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.take()

    def until_grey(self) -> None:
        end = time.monotonic() + LIMIT_S
        while not self._editor.ghost.strip() and time.monotonic() < end:
            self.take()
        self.watch(LOOK_S)

    def type(self, text: str) -> None:
        for character in text:
            self._editor.page.keyboard.type(character)
            self.watch(KEY_S)

    def press(self, key: str) -> None:
        self._editor.press(key)
        self.watch(KEY_S * 4)

    def save(self, path: Path) -> None:
        ends = [*(at for _, at in self._frames[1:]), self._frames[-1][1] + 2 * LOOK_S]
        milliseconds = [round(1000 * (end - at)) for (_, at), end in zip(self._frames, ends, strict=True)]
        palette = self._frames[-1][0].quantize(COLORS)
        images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image, _ in self._frames]
        images[0].save(path, save_all=True, append_images=images[1:], duration=milliseconds, loop=0, optimize=True)


def main() -> None:
    DOCS.mkdir(exist_ok=True)
    with large_running(find("gemma3-270m")) as large:
        with project(large) as ladder, chromium() as browser:
            packaged = Packaged(os.environ["RUNG_CODE_SERVER"], Path(os.environ["RUNG_VSIX"]), browser)
            film_vscode(packaged, ladder)
        with project(large) as ladder:
            draw_neovim(os.environ["RUNG_NVIM"].split(os.pathsep)[0], ladder)


@contextmanager
def project(large: Large) -> Iterator[RealLadder]:
    with tempfile.TemporaryDirectory(prefix="rung-pictures-") as folder:
        ladder = real_ladder(Path(folder), find("smollm2-135m"), large, theta=THETA)
        shapes = ladder.project / "shapes.py"
        ladder.source.rename(shapes)
        shapes.write_text(BEGINNING)
        yield ladder


def film_vscode(packaged: Packaged, ladder: RealLadder) -> None:
    settings = {"rung.path": str(RUNG), **PLAIN}
    with (
        code_server(packaged, ladder, settings) as code,
        code.window(ladder.project / "shapes.py", size=SIZE) as editor,
    ):
        editor.press("Control+b")
        film = Film(editor)
        film.watch(LOOK_S)
        film.type('def area(radius):\n"""Return the area of a circle."""\n')
        film.until_grey()
        film.press("Tab")
        film.type("\n")
        film.press("Home")
        film.type("\n\ndef average(numbers):\n")
        film.until_grey()
        editor.page.screenshot(path=DOCS / "vscode.png")
        film.press("Control+ArrowRight")
        film.watch(LOOK_S)
        film.press("Tab")
        film.watch(LOOK_S)
        film.type("\n")
        film.press("Home")
        film.type("\nif __name__ == ")
        film.until_grey()
        film.press("Tab")
        film.watch(LOOK_S)
        film.save(DOCS / "vscode.gif")


def draw_neovim(binary: str, ladder: RealLadder) -> None:
    """In a terminal, whose cells become a picture."""
    argv = [binary, "--clean", "-u", str(configured(ladder.folder, SERVE, further=LOOKS)), "shapes.py"]
    environment = {**os.environ, **ladder.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    size = {"columns": COLUMNS, "lines": 18}
    with terminal(argv, ladder.project, ladder.folder / "tmux", environment, **size) as screen:
        time.sleep(2 * LOOK_S)
        screen.types('Go\n\ndef area(radius):\n"""Return the area of a circle."""\n')
        screen.until(lambda: "return" in screen.text.split('circle."""')[-1], "nothing was grey")
        time.sleep(2 * LOOK_S)
        drawn = screen.styled
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(drawn))
    console.save_svg(str(DOCS / "neovim.svg"), title="Neovim", theme=NEOVIM)


if __name__ == "__main__":
    main()
