"""The menu in the real Helix, beside a server whose completer needs no model."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..lsp.server_peer import FAKE, isolated
from .terminal_driven import Terminal, terminal

HELIX = os.environ.get("RUNG_HELIX", "")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not HELIX, reason="RUNG_HELIX names no Helix; scripts/get-helix.sh fetches one"),
]

LANGUAGES = f"""
[language-server.rung]
command = {json.dumps(FAKE[0])}
args = {json.dumps(FAKE[1:])}

[[language]]
name = "python"
language-servers = ["rung"]
"""


class Helix:
    def __init__(self, screen: Terminal, file: Path) -> None:
        self.screen = screen
        self._file = file

    def holds(self, text: str) -> None:
        """Save, and wait until the file holds exactly this."""
        self.screen.keys("Escape")
        self.screen.shows("NOR")
        self.screen.types(":w")
        self.screen.keys("Enter")
        self.screen.writes(self._file, text)


@pytest.fixture
def helix(tmp_path: Path) -> Iterator[Helix]:
    """With a file in a project; " + 1" is offered behind SURE. In its empty line somebody begins to write."""
    project = tmp_path / "project"
    project.mkdir()
    (project / ".rung.yaml").write_text("")
    (project / "a.py").write_text("a\n\nz\n")
    settings = tmp_path / "config" / "helix"
    settings.mkdir(parents=True)
    (settings / "languages.toml").write_text(LANGUAGES)
    own = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_CACHE_HOME": str(tmp_path)}
    with terminal([HELIX, "a.py"], project, tmp_path / "tmux", isolated(tmp_path) | own) as screen:
        screen.shows("NOR")
        screen.until(lambda: has_server(screen), "the server did not start")
        screen.types("ji")
        screen.shows("INS")
        yield Helix(screen, project / "a.py")


def test_what_is_offered_is_in_the_menu_and_enter_inserts_it(helix: Helix) -> None:
    helix.screen.types("SURE")
    helix.screen.shows("SURE + 1")
    helix.screen.keys("Tab", "Enter")
    helix.holds("a\nSURE + 1\nz\n")


def test_typing_on_keeps_the_entry_in_the_menu(helix: Helix) -> None:
    helix.screen.types("SURE")
    helix.screen.shows("SURE + 1")
    helix.screen.types(" ")
    helix.screen.hides("SURE + 1")
    helix.screen.shows("+ 1")
    helix.screen.keys("Tab", "Enter")
    helix.holds("a\nSURE + 1\nz\n")


def test_several_lines_are_inserted_as_they_are(helix: Helix) -> None:
    helix.screen.types("x LINES")
    helix.screen.shows("LINESa")
    helix.screen.keys("Tab", "Enter")
    helix.holds("a\nx LINESa\nb\nz\n")


def test_behind_letters_of_several_bytes_it_is_inserted_where_it_belongs(helix: Helix) -> None:
    helix.screen.types("äöü𝒳 éSURE")
    helix.screen.shows("éSURE + 1")
    helix.screen.keys("Tab", "Enter")
    helix.holds("a\näöü𝒳 éSURE + 1\nz\n")


def test_enter_alone_is_a_new_line(helix: Helix) -> None:
    helix.screen.types("SURE")
    helix.screen.shows("SURE + 1")
    helix.screen.keys("Enter")
    helix.holds("a\nSURE\n\nz\n")


def test_an_explanation_is_shown(helix: Helix) -> None:
    helix.screen.types("SURE")
    helix.screen.shows("SURE + 1")
    helix.screen.keys("Escape")
    helix.screen.shows("NOR")
    helix.screen.types(":lsp-workspace-command rung.explain")
    helix.screen.keys("Enter")
    helix.screen.shows("# the last")


def has_server(screen: Terminal) -> bool:
    """Whether the server has begun to answer."""
    answers = ("Nothing was completed yet", "not supported")
    screen.types(":lsp-workspace-command rung.explain")
    screen.keys("Enter")
    screen.until(lambda: any(answer in screen.text for answer in answers), "never answered")
    return answers[0] in screen.text
