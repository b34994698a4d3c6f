"""A real VS Code in a browser without a screen, with rung's extension, driven as a person would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import pytest

from rung.models.free_port import free_port

from .real_ladder import RealLadder

playwright = pytest.importorskip(
    "playwright.sync_api", reason="VS Code is driven with playwright: pip install playwright"
)

LIMIT_S = 60.0
_START_S = 90.0
_STOP_S = 15.0
_BOX_MS = 10_000
_STATUS = "#rung\\.rung\\.rung\\.status"
_QUIET = {
    "chat.disableAIFeatures": True,
    "editor.acceptSuggestionOnEnter": "off",
    "editor.autoClosingBrackets": "never",
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.suggestOnTriggerCharacters": False,
    "extensions.autoCheckUpdates": False,
    "files.autoSave": "off",
    "files.hotExit": "off",
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "terminal.integrated.gpuAcceleration": "off",  # so that its text can be read
    "window.dialogStyle": "custom",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
}


class VSCode:
    """One window."""

    def __init__(self, page: playwright.Page) -> None:
        self.page = page

    @property
    def ghost(self) -> str:
        """The grey text."""
        first = "".join(self.page.locator(".ghost-text-decoration").all_inner_texts())
        further = self.page.locator(".suggest-preview-text .view-line").all_inner_texts()
        return _plain("\n".join([first, *further]) if first or further else "")

    @property
    def status(self) -> str:
        """The status bar's item of rung, without its icon."""
        return _plain(self.page.locator(_STATUS).inner_text()).strip()

    @property
    def messages(self) -> list[str]:
        """The notifications that are on the screen."""
        return [_plain(text) for text in self.page.locator(".notification-list-item-message").all_inner_texts()]

    def until(self, holds: Callable[[], bool], what: str, *, limit: float = LIMIT_S) -> None:
        """The editor draws when it draws, and answers come when they come. limit: seconds."""
        end = time.monotonic() + limit
        while not holds():
            assert time.monotonic() < end, f"{what}; ghost {self.ghost!r}, status {self.status!r}, {self.messages}"
            self.page.wait_for_timeout(20)  # between two looks

    def shows(self, ghost: str) -> None:
        """Wait until exactly this is grey."""
        self.until(lambda: self.ghost == ghost, f"never showed {ghost!r}")

    def offered(self) -> str:
        """Wait until something is grey, and return it."""
        self.until(lambda: self.ghost.strip() != "", "showed nothing")
        return self.ghost

    def saved(self, path: Path, text: str) -> None:
        """Save, and wait until the file holds exactly this."""
        self.press("Control+s")
        self.until(lambda: path.read_text() == text, f"never wrote {text!r} but {path.read_text()!r}")

    def type(self, text: str) -> None:
        """Key by key."""
        self.page.keyboard.type(text, delay=20)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def command(self, title: str) -> None:
        """From the palette."""
        self._choose("F1", ">" + title, title)

    def open(self, path: Path) -> None:
        """A file of the project, behind its last character."""
        self._choose("Control+p", path.name, path.name)
        self.page.locator(f".editor-group-container.active .tab.active[data-resource-name='{path.name}']").wait_for()
        self.focus()

    def menu(self, entry: str) -> None:
        """Of rung's status bar item."""
        self.page.locator(_STATUS).click()
        self.page.locator(".quick-input-list .monaco-list-row", has_text=entry).first.click()

    def answer(self, button: str) -> None:
        """The notification that has it."""
        self.page.locator(".notification-list-item .monaco-button", has_text=button).first.click()

    def restarted(self) -> None:
        """Wait until the server answers again."""
        self.until(lambda: self.status == "rung", "the server did not start")

    def focus(self) -> None:
        """Behind the last character of the file."""
        group = self.page.locator(".editor-group-container.active")
        group.locator(".editor-instance .monaco-editor .view-lines").first.click()
        self.press("Control+End")

    def _choose(self, key: str, text: str, row: str) -> None:
        """From the list that the key opens. VS Code closes it again where something else takes the focus meanwhile."""
        box = self.page.locator(".quick-input-box input")
        found = self.page.locator(".quick-input-list .monaco-list-row", has_text=row).first

        def offered() -> bool:
            self.press(key)
            try:
                box.fill(text, timeout=_BOX_MS)
                found.wait_for(timeout=_BOX_MS)
            except playwright.TimeoutError:
                self.press("Escape")
                return False
            return True

        self.until(offered, f"{row!r} is not in the list")
        box.press("Enter")
        box.wait_for(state="hidden")


@dataclass(frozen=True)
class CodeServer:
    """VS Code's server; each window has an extension host and a server of rung's of its own."""

    port: int
    browser: playwright.Browser
    project: Path

    @contextmanager
    def window(self, *files: Path, size: tuple[int, int] = (1200, 760), server: bool = True) -> Iterator[VSCode]:
        """On the project, and behind the last character of the last file. server: wait until it has started."""
        page = self.browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.set_default_timeout(LIMIT_S * 1000)
        address = f"127.0.0.1:{self.port}"
        opened = json.dumps([["openFile", f"vscode-remote://{address}{file}"] for file in files])
        page.goto(f"http://{address}/?folder={quote(str(self.project))}&payload={quote(opened)}")
        page.wait_for_selector(".monaco-workbench")
        editor = VSCode(page)
        page.locator(_STATUS).wait_for()
        if server:
            editor.restarted()
        if files:
            editor.focus()
        try:
            yield editor
        finally:
            page.close()


@dataclass(frozen=True, slots=True)
class Packaged:
    """program: that starts VS Code. vsix: the extension. browser: to show it in."""

    program: str
    vsix: Path
    browser: playwright.Browser


@contextmanager
def chromium() -> Iterator[playwright.Browser]:
    """A browser without a screen, for any number of windows."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def code_server(packaged: Packaged, ladder: RealLadder, settings: Mapping[str, object]) -> Iterator[CodeServer]:
    """With the ladder's environment, on its project. settings: the user's, beside those that keep it quiet."""
    folder = ladder.folder
    user = folder / "code-user"
    for place in ("User", "Machine"):  # in a browser, what is a machine's own counts in the latter only
        (user / place).mkdir(parents=True)
        (user / place / "settings.json").write_text(json.dumps({**_QUIET, **settings}))
    env = {**os.environ, **ladder.environment}
    argv = [packaged.program, "--user-data-dir", str(user), "--extensions-dir", str(folder / "code-extensions")]
    installed = [*argv, "--install-extension", str(packaged.vsix)]
    subprocess.run(installed, env=env, check=True, capture_output=True, timeout=_START_S)
    port = free_port()
    argv += ["--bind-addr", f"127.0.0.1:{port}", "--auth", "none", "--disable-telemetry", "--disable-update-check"]
    with (folder / "code.log").open("wb") as log, _running([*argv, "--disable-getting-started-override"], env, log):
        _wait(f"http://127.0.0.1:{port}/healthz")
        yield CodeServer(port, packaged.browser, ladder.project)


@contextmanager
def _running(argv: Sequence[str], env: Mapping[str, str], log: IO[bytes]) -> Iterator[None]:
    """In a group of its own, which is ended with all that it has started."""
    process = subprocess.Popen(
        argv, env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(_STOP_S)


def _wait(url: str) -> None:
    end = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert time.monotonic() < end, "VS Code did not listen"
            time.sleep(0.1)  # between two looks


def _chromium() -> str:
    found = os.environ.get("RUNG_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium here; RUNG_CHROMIUM names one")
    return found


def _plain(text: str) -> str:
    """VS Code draws blanks as no-break spaces."""
    return text.replace("\u00a0", " ")
