"""The real Emacs with Eglot's menu and previews, and with lsp-mode, beside a server whose completer needs no model."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..lsp.server_peer import FAKE, isolated
from .terminal_driven import Terminal, terminal

EMACS = os.environ.get("RUNG_EMACS", "")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not EMACS, reason="RUNG_EMACS names no Emacs; scripts/get-emacs.sh fetches one"),
]

COMMAND = " ".join(json.dumps(part) for part in FAKE)
QUIET = """
(setq native-comp-enable-subr-trampolines nil native-comp-jit-compilation nil)
(setq make-backup-files nil auto-save-default nil create-lockfiles nil)
"""
EGLOT = f"""
(require 'eglot)
(add-to-list 'eglot-server-programs '((python-mode python-ts-mode) . ({COMMAND})))
(add-hook 'python-mode-hook #'eglot-ensure)
"""
PREVIEW = """
(setq completion-preview-minimum-symbol-length nil completion-preview-idle-delay 0.1)
(add-hook 'eglot-managed-mode-hook #'completion-preview-mode)
"""
COMPANY = """
(require 'company)
(setq company-idle-delay 0.1)
(add-hook 'eglot-managed-mode-hook #'company-mode)
"""
LSP_MODE = f"""
(load "lsp-mode-autoloads")
(setq lsp-auto-guess-root t lsp-inline-completion-idle-delay 0.1)
(with-eval-after-load 'lsp-mode
  (lsp-register-client
   (make-lsp-client :server-id 'rung :add-on? t :major-modes '(python-mode python-ts-mode)
                    :new-connection (lsp-stdio-connection '({COMMAND})))))
(with-eval-after-load 'lsp-inline-completion
  (keymap-set lsp-inline-completion-active-map "TAB" #'lsp-inline-completion-accept))
(add-hook 'python-mode-hook #'lsp)
"""
OUTCOMES = """
(plist-get (aref (plist-get (jsonrpc-request (eglot-current-server)
                                             :workspace/executeCommand '(:command "rung.status"))
                            :projects)
                 0)
           :outcomes)
"""


class Emacs:
    def __init__(self, screen: Terminal, file: Path) -> None:
        self.screen = screen
        self._file = file

    def holds(self, text: str) -> None:
        """Save, and wait until the file holds exactly this."""
        self.screen.keys("C-x", "C-s")
        self.screen.writes(self._file, text)


@contextmanager
def emacs(settings: str, ready: str, folder: Path) -> Iterator[Emacs]:
    """ready: what it shows once the server is there.

    " + 1" is offered behind SURE. In the empty line of a file in a project somebody begins to write.
    """
    project = folder / "project"
    project.mkdir()
    (project / ".rung.yaml").write_text("")
    (project / "a.py").write_text("a\n\nz\n")
    init = folder / "init.el"
    init.write_text(QUIET + settings)
    argv = [EMACS, "-nw", "-Q", "-l", str(init), "+2", "a.py"]
    with terminal(argv, project, folder / "tmux", isolated(folder) | {"HOME": str(folder)}) as screen:
        screen.shows(ready)
        yield Emacs(screen, project / "a.py")


@pytest.fixture
def menu(tmp_path: Path) -> Iterator[Emacs]:
    """Eglot, as it comes."""
    with emacs(EGLOT, "[eglot:project", tmp_path) as editor:
        yield editor


@pytest.fixture
def preview(tmp_path: Path) -> Iterator[Emacs]:
    """Eglot, with what it would complete shown in grey."""
    with emacs(EGLOT + PREVIEW, "[eglot:project", tmp_path) as editor:
        yield editor


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Emacs]:
    """Eglot, with a menu that comes by itself, and a grey text where it has one entry."""
    with emacs(EGLOT + COMPANY, "[eglot:project", tmp_path) as editor:
        yield editor


@pytest.fixture
def lsp_mode(tmp_path: Path) -> Iterator[Emacs]:
    with emacs(LSP_MODE, "initialized successfully", tmp_path) as editor:
        yield editor


def test_eglot_inserts_what_is_asked_for(menu: Emacs) -> None:
    menu.screen.types("SURE")
    menu.screen.keys("C-M-i")
    menu.screen.shows("SURE + 1")
    menu.holds("a\nSURE + 1\nz\n")


def test_eglot_inserts_behind_letters_of_several_bytes(menu: Emacs) -> None:
    menu.screen.types("äöü𝒳 éSURE")
    menu.screen.keys("C-M-i")
    menu.screen.shows("éSURE + 1")
    menu.holds("a\näöü𝒳 éSURE + 1\nz\n")


def test_eglot_inserts_several_lines(menu: Emacs) -> None:
    menu.screen.types("x LINES")
    menu.screen.keys("C-M-i")
    menu.screen.shows("x LINESa")
    menu.holds("a\nx LINESa\nb\nz\n")


def test_eglot_previews_what_is_offered_and_tab_inserts_it(preview: Emacs) -> None:
    preview.screen.types("SURE")
    preview.screen.shows("SURE + 1")
    preview.screen.keys("Tab")
    preview.holds("a\nSURE + 1\nz\n")


def test_eglot_previews_behind_letters_of_several_bytes(preview: Emacs) -> None:
    preview.screen.types("äöü𝒳 éSURE")
    preview.screen.shows("éSURE + 1")
    preview.screen.keys("Tab")
    preview.holds("a\näöü𝒳 éSURE + 1\nz\n")


def test_a_preview_that_is_not_taken_is_not_written(preview: Emacs) -> None:
    preview.screen.types("SURE")
    preview.screen.shows("SURE + 1")
    preview.holds("a\nSURE\nz\n")


def test_eglot_runs_no_command_and_the_accept_is_seen_all_the_same(menu: Emacs) -> None:
    menu.screen.types("SURE")
    menu.screen.keys("C-M-i")
    menu.screen.shows("SURE + 1")
    menu.screen.types("!")
    menu.holds("a\nSURE + 1!\nz\n")
    menu.screen.keys("M-:")
    menu.screen.types(" ".join(OUTCOMES.split()))
    menu.screen.keys("Enter")
    menu.screen.shows('[["climb-1" "accepted"]]')


def test_company_shows_what_is_offered_and_enter_inserts_it(company: Emacs) -> None:
    company.screen.types("äöü𝒳 éSURE")
    company.screen.shows("éSURE + 1")
    company.screen.keys("Enter")
    company.holds("a\näöü𝒳 éSURE + 1\nz\n")


def test_company_shows_it_behind_a_space(company: Emacs) -> None:
    company.screen.types("SURE ")
    company.screen.shows("SURE + 1")
    company.screen.keys("Enter")
    company.holds("a\nSURE  + 1\nz\n")


def test_lsp_mode_shows_what_is_offered_and_tab_inserts_it(lsp_mode: Emacs) -> None:
    lsp_mode.screen.types("SURE")
    lsp_mode.screen.shows("SURE + 1")
    lsp_mode.screen.keys("Tab")
    lsp_mode.holds("a\nSURE + 1\nz\n")


def test_lsp_mode_inserts_behind_letters_of_several_bytes(lsp_mode: Emacs) -> None:
    lsp_mode.screen.types("äöü𝒳 éSURE")
    lsp_mode.screen.shows("éSURE + 1")
    lsp_mode.screen.keys("Tab")
    lsp_mode.holds("a\näöü𝒳 éSURE + 1\nz\n")


def test_lsp_mode_inserts_several_lines(lsp_mode: Emacs) -> None:
    lsp_mode.screen.types("x LINES")
    lsp_mode.screen.shows("x LINESa")
    lsp_mode.screen.keys("Tab")
    lsp_mode.holds("a\nx LINESa\nb\nz\n")
