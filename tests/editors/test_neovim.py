"""The plugin in the real Neovim, beside a server whose completer needs no model."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..lsp.server_peer import FAKE, isolated
from .neovim_driven import PLUGIN, Neovim, neovim

pytestmark = pytest.mark.real


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in a project."""
    for name, value in isolated(tmp_path).items():
        monkeypatch.setenv(name, value)
    return file_in(tmp_path / "project")


@pytest.fixture
def editor(nvim: str, tmp_path: Path, source: Path) -> Iterator[Neovim]:
    """On that file; " + 1" is offered behind SURE."""
    with neovim(nvim, tmp_path, FAKE) as editor:
        editor.open(source)
        yield editor


def file_in(project: Path) -> Path:
    project.mkdir()
    (project / ".rung.yaml").write_text("")
    (project / "a.py").write_text("a\n\nz\n")
    return project / "a.py"


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
    editor.until(lambda: seen(editor, "rejected") != [], "the next completion does not know of it")


def test_an_early_text_is_replaced_by_a_better_one(editor: Neovim) -> None:
    write(editor, "EARLY")
    editor.shows(" - 1")
    editor.command("rung.explain")  # the climb comes to its end
    editor.shows(" + 1")
    editor.keys("<Tab>")
    editor.holds("a\nEARLY + 1\nz")
    editor.until(lambda: ["climb-1", "accepted"] in outcomes(editor), "the accept was not told")


def test_an_early_text_goes_where_there_is_nothing_in_the_end(editor: Neovim) -> None:
    write(editor, "EARLYNONE")
    editor.shows(" - 1")
    editor.command("rung.explain")
    editor.shows("")


def test_who_has_typed_on_keeps_the_early_text(editor: Neovim) -> None:
    write(editor, "EARLY")
    editor.shows(" - 1")
    editor.keys(" ")
    editor.shows("- 1")
    editor.command("rung.explain")
    editor.keys("<Tab>")
    editor.holds("a\nEARLY - 1\nz")


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


def test_the_next_of_several_is_one_that_agrees_with_what_was_typed(editor: Neovim) -> None:
    write(editor, "SEVERAL")
    editor.shows("one")
    editor.keys("<M-]>")
    editor.shows("two")
    editor.keys("t")
    editor.shows("wo")
    editor.keys("<M-]>")
    editor.shows("hree")
    editor.keys("<M-]>")
    editor.shows("wo")


def test_tab_jumps_in_a_snippet_where_nothing_is_shown(editor: Neovim) -> None:
    editor.keys("jA")
    editor.lua("vim.schedule(function() vim.snippet.expand('NONE(${1:x}, ${2:y})') end)")
    editor.until(lambda: editor.lua("return vim.api.nvim_get_mode().mode") == "s", "there is no snippet")
    editor.keys("b<Tab>")
    editor.until(lambda: editor.lua("return vim.api.nvim_get_mode().mode") == "s", "it did not jump")
    editor.keys("c")
    editor.holds("a\nNONE(b, c)\nz")


@pytest.mark.parametrize(
    "mapping",
    [
        "vim.keymap.set('i', '<Tab>', '<C-v>u00e4')",
        "vim.keymap.set('i', '<Tab>', '<Plug>(mine)', { remap = true }); vim.keymap.set('i', '<Plug>(mine)', 'ä')",
        "vim.keymap.set('i', '<Tab>', function() vim.api.nvim_input('ä') end)",
        "vim.keymap.set('i', '<Tab>', function() return 'ä' end, { expr = true })",
        "vim.keymap.set('i', '<Tab>', [[nr2char(0xe4)]], { expr = true })",
    ],
)
def test_a_mapping_from_before_is_run_where_nothing_is_shown(
    nvim: str, tmp_path: Path, source: Path, mapping: str
) -> None:
    with neovim(nvim, tmp_path, FAKE, further=mapping) as editor:
        editor.open(source)
        editor.lua("require('rung').setup(require('rung').options)")  # again
        write(editor, "NONE<Tab>")
        editor.holds("a\nNONEä\nz")
        editor.keys("<BS><BS><BS><BS><BS>SURE")
        editor.shows(" + 1")
        editor.keys("<Tab>")
        editor.holds("a\nSURE + 1\nz")


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


def test_a_project_is_paused_before_anything_was_completed_in_it(editor: Neovim) -> None:
    editor.until(lambda: editor.lua("return #vim.lsp.get_clients({ name = 'rung', bufnr = 0 })") == 1, "no server")
    editor.run("Rung pause")
    editor.until(lambda: editor.lua("return require('rung.status').text()") == "rung paused", "it never said so")
    write(editor, "SURE")
    editor.holds("a\nSURE\nz")
    assert seen(editor, "climbs") == 0


def test_everywhere_is_in_each_project_also_in_those_that_are_opened_later(editor: Neovim, tmp_path: Path) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.keys("<Esc>")
    second, third = file_in(tmp_path / "second"), file_in(tmp_path / "third")
    editor.run("write")
    editor.open(second)
    editor.until(lambda: paused(editor) == [False, False], "there are no two servers")
    editor.run("Rung pause everywhere")
    editor.until(lambda: paused(editor) == [True, True], "one goes on")
    editor.open(third)
    editor.until(lambda: paused(editor) == [True, True, True], "the new one goes on")
    editor.run("Rung resume everywhere")
    editor.until(lambda: paused(editor) == [False, False, False], "one stays paused")


def paused(editor: Neovim) -> list[bool]:
    """Everywhere, by each server."""
    found: list[bool] = editor.lua(
        """
        local found = {}
        for _, client in ipairs(vim.lsp.get_clients({ name = 'rung' })) do
          local answer = client:request_sync('workspace/executeCommand', { command = 'rung.status' }, 5000)
          found[#found + 1] = answer ~= nil and answer.result ~= nil and answer.result.paused.everywhere
        end
        return found
        """
    )
    return found


def test_the_status_line_is_of_the_buffers_project(editor: Neovim, tmp_path: Path) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.keys("<Esc>")
    editor.run("write")
    editor.run("Rung pause")
    editor.until(lambda: editor.lua("return require('rung.status').text()") == "rung paused", "it never said so")
    first = editor.lua("return vim.api.nvim_get_current_buf()")
    editor.open(file_in(tmp_path / "second"))
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.until(lambda: editor.lua("return require('rung.status').text()") == "rung fake", "it is the other's")
    editor.keys("<Esc>")
    editor.run("write")
    editor.run(f"buffer {first}")
    assert editor.lua("return require('rung.status').text()") == "rung paused"


def test_the_status_line_names_the_rung(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.until(lambda: editor.lua("return require('rung.status').text()") == "rung fake", "it never said so")


def test_in_lualine_it_is_the_text_of_the_status_line(editor: Neovim) -> None:
    """Of lualine only what a component inherits stands in here."""
    editor.lua(
        """
        local Component = {}
        Component.__index = Component
        function Component:extend()
          local class = setmetatable({}, self)
          class.__index = class
          return class
        end
        package.loaded['lualine.component'] = Component
        """
    )
    write(editor, "SURE")
    editor.until(
        lambda: editor.lua("return require('lualine.components.rung'):update_status()") == "rung fake", "no text"
    )


def servers(editor: Neovim) -> list[int]:
    """Processes that the editor has started."""
    found: list[int] = editor.lua("return vim.api.nvim_get_proc_children(vim.fn.getpid())")
    return found


def test_a_server_that_ends_again_and_again_waits_for_the_user(editor: Neovim) -> None:
    write(editor, "SURE")
    first = [0]
    for _ in range(5):
        editor.until(lambda first=first: servers(editor) not in ([], first), "no new one")  # type: ignore[misc]
        editor.shows(" + 1")
        first = servers(editor)
        os.kill(int(str(seen(editor, "worker"))), signal.SIGKILL)  # it would hold the server's pipes
        os.kill(first[0], signal.SIGKILL)
    editor.until(lambda: "rung has ended" in editor.messages(), "nothing was told")
    assert editor.messages().count("rung has ended") == 1
    assert servers(editor) == []
    editor.shows("")
    assert editor.lua("return require('rung.status').text()") == ""
    editor.keys("<Cmd>Rung restart<CR>")
    editor.shows(" + 1")


def test_who_restarts_it_gets_a_new_server_and_no_message(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    (first,) = servers(editor)
    editor.keys("<Cmd>Rung restart<CR>")
    editor.until(lambda: servers(editor) not in ([], [first]), "there is no new server")
    editor.shows(" + 1")
    assert "rung" not in editor.messages()


def test_a_server_that_never_comes_up_is_not_tried_again(nvim: str, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    with neovim(nvim, tmp_path, ["sh", "-c", f"echo >> {starts}; exit 3"]) as editor:
        (tmp_path / "a.py").touch()
        editor.open(tmp_path / "a.py")
        editor.until(lambda: "rung has ended" in editor.messages(), "nothing was told")
        assert starts.read_text() == "\n"


def test_what_runs_it_runs_its_other_commands(editor: Neovim) -> None:
    words = "return require('rung').command({ 'uv', 'run', 'rung', 'serve' }, 'trust', 'x')"
    assert editor.lua(words) == ["uv", "run", "rung", "trust", "x"]


def test_neovims_own_inline_completion_lets_rung_alone(editor: Neovim) -> None:
    if not editor.lua("return vim.lsp.inline_completion ~= nil"):
        pytest.skip("this Neovim has none")
    editor.lua("vim.lsp.inline_completion.enable()")
    write(editor, "SURE")
    editor.shows(" + 1")
    buffer = editor.lua("vim.lsp.inline_completion.enable(true, { bufnr = 0 }); return vim.api.nvim_get_current_buf()")
    groups = "return vim.fn.getcompletion('nvim.lsp.inline_completion', 'augroup')"
    assert f"nvim.lsp.inline_completion:{buffer}" not in editor.lua(groups)
    assert editor.lua("return vim.lsp.inline_completion.get()") is False
    editor.keys("<Tab>")
    editor.holds("a\nSURE + 1\nz")


def test_with_each_entry_of_a_menu_it_is_what_belongs_behind_that(editor: Neovim) -> None:
    write(editor, "SURE")
    editor.shows(" + 1")
    editor.keys("<Cmd>call complete(col('.'), [' NONE', ' SEVERAL'])<CR>")
    editor.holds("a\nSURE NONE\nz")
    editor.shows("")
    editor.keys("<C-n>")
    editor.holds("a\nSURE SEVERAL\nz")
    editor.shows("one")
    editor.keys("<Tab>")
    editor.holds("a\nSURE SEVERALone\nz")


def test_health_names_what_is_there(editor: Neovim) -> None:
    editor.run("checkhealth rung")
    assert "the server: " + sys.executable in editor.text


def test_the_help_and_its_tags_agree(editor: Neovim, tmp_path: Path) -> None:
    doc = tmp_path / "doc"
    shutil.copytree(PLUGIN / "doc", doc)
    editor.run(f"helptags {doc}")
    assert (doc / "tags").read_text() == (PLUGIN / "doc" / "tags").read_text()
    editor.run("help rung-status")
    assert "STATUS LINE" in editor.lua("return vim.api.nvim_get_current_line()")
