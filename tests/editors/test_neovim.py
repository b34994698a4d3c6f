"""The plugin in the real Neovim, beside a server whose completer needs no model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..lsp.server_peer import FAKE, isolated
from .neovim_driven import Neovim, neovim

BINARIES = [path for path in os.environ.get("RUNG_NVIM", "").split(os.pathsep) if path]

pytestmark = pytest.mark.real


@pytest.fixture(params=BINARIES or [None])
def editor(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Neovim]:
    """With a file in a project; " + 1" is offered behind SURE."""
    if request.param is None:
        pytest.skip("RUNG_NVIM names no Neovim; `make test-editors` fetches them")
    for name, value in isolated(tmp_path).items():
        monkeypatch.setenv(name, value)
    project = tmp_path / "project"
    project.mkdir()
    (project / ".rung.yaml").write_text("")
    (project / "a.py").write_text("a\n\nz\n")
    with neovim(request.param, tmp_path, FAKE) as editor:
        editor.open(project / "a.py")
        yield editor


def write(editor: Neovim, text: str) -> None:
    editor.keys("jA" + text)


def outcomes(editor: Neovim) -> list[list[str]]:
    (project,) = editor.command("rung.status")["projects"]
    found: list[list[str]] = project["outcomes"]
    return found


def seen(editor: Neovim, key: str) -> object:
    (project,) = editor.command("rung.status")["projects"]
    return project[key]


def test_what_is_offered_is_grey_and_tab_inserts_it(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    assert editor.text == "a\nSURE\nz"
    editor.keys("<Tab>")
    editor.holds("a\nSURE + 1\nz")
    editor.until(lambda: ["climb-1", "accepted"] in outcomes(editor), "the accept was not told")


def test_tab_is_a_tab_where_nothing_is_offered(editor: Neovim) -> None:
    editor.run("set noexpandtab")
    write(editor, "NOTHING<Tab>x")
    editor.holds("a\nNOTHING\tx\nz")


def test_what_is_typed_through_stays_and_asks_no_model_again(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.keys(" +")
    editor.shows(" 1")
    assert seen(editor, "climbs") == 1
    editor.keys("<Tab>")
    editor.holds("a\nSURE + 1\nz")


def test_a_word_and_then_the_rest(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.keys("<M-Right>")
    editor.holds("a\nSURE +\nz")
    editor.shows(" 1")
    editor.keys("<M-Down>")
    editor.holds("a\nSURE + 1\nz")


def test_other_text_hides_it_at_once_and_is_a_rejection(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.keys("x")
    editor.until(lambda: ["climb-1", "rejected"] in outcomes(editor), "the rejection was not seen")
    assert seen(editor, "rejected")


def test_what_is_dismissed_goes_and_the_server_knows(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.keys("<C-]>")
    editor.shows("")
    editor.until(lambda: ["climb-1", "dismissed"] in outcomes(editor), "dismissing was not told")


def test_leaving_insert_mode_hides_it(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.keys("<Esc>")
    editor.shows("")


def test_the_next_of_several_is_asked_for(editor: Neovim) -> None:
    write(editor, "SEVERAL")
    editor.shows("one")
    editor.keys("<M-]>")
    editor.shows("two")
    editor.keys("<Tab>")
    editor.holds("a\nSEVERALtwo\nz")


def test_several_lines_are_drawn_and_inserted(editor: Neovim) -> None:
    write(editor, "x LINES")
    editor.shows("a\nb")
    editor.keys("<Tab>y")
    editor.holds("a\nx LINESa\nby\nz")


def test_behind_letters_of_several_bytes_it_stands_where_it_belongs(editor: Neovim) -> None:
    write(editor, "äöü𝒳 SURE")
    editor.shows(" + 1")
    editor.keys("<Tab>")
    editor.holds("a\näöü𝒳 SURE + 1\nz")


def test_while_it_is_paused_nothing_is_offered(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.keys("<Esc>")
    editor.run("Rung pause")
    editor.until(lambda: editor.lua("return require('rung.status').text()") == "rung paused", "it never said so")
    editor.keys("Ax")
    editor.holds("a\nSUREx\nz")
    assert editor.ghost == ""
    editor.run("Rung resume")
    editor.until(lambda: "paused" not in editor.lua("return require('rung.status').text()"), "it stayed paused")


def test_the_status_line_names_the_rung(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.until(lambda: editor.lua("return require('rung.status').text()") == "rung fake", "it never said so")


def test_health_names_what_is_there(editor: Neovim) -> None:
    editor.run("checkhealth rung")
    assert "the server: " + sys.executable in editor.text
