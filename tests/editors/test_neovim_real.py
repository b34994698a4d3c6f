"""The plugin in the real Neovim, beside the real server with a real small model and a real large one behind HTTP."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from .neovim_driven import Neovim, neovim
from .real_ladder import BODY, CLIMBS, LINE, NAMES, SERVE, Large, RealLadder, real_ladder

pytestmark = [pytest.mark.real, pytest.mark.timeout(240)]


@pytest.fixture
def ladder(tmp_path: Path, smollm2: Path, large: Large, monkeypatch: pytest.MonkeyPatch) -> RealLadder:
    """The small rung's text is always shown."""
    ladder = real_ladder(tmp_path, smollm2, large, theta=0)
    for name, value in ladder.environment.items():
        monkeypatch.setenv(name, value)
    return ladder


def started(nvim: str, ladder: RealLadder) -> AbstractContextManager[Neovim]:
    return neovim(nvim, ladder.folder, SERVE)


@pytest.fixture
def editor(nvim: str, ladder: RealLadder) -> Iterator[Neovim]:
    with started(nvim, ladder) as editor:
        yield editor


def complete(editor: Neovim, path: Path, text: str) -> str:
    """What is grey once the last character of `text` is typed; the rest is in the file."""
    path.write_text(text[:-1] + "\n")
    editor.open(path)
    editor.keys("GA" + typed(text[-1]))
    editor.holds(text)
    return editor.offered()


def typed(text: str) -> str:
    """As keys."""
    return text.replace("<", "<lt>").replace("\n", "<CR>")


def project(editor: Neovim) -> Any:
    (found,) = editor.command("rung.status")["projects"]
    return found


def servers(editor: Neovim) -> list[int]:
    """Processes that the editor has started."""
    found: list[int] = editor.lua("return vim.api.nvim_get_proc_children(vim.fn.getpid())")
    return found


def test_the_small_models_text_is_grey_and_tab_and_w_put_it_into_the_file(editor: Neovim, ladder: RealLadder) -> None:
    ghost = complete(editor, ladder.source, LINE)
    editor.keys("<Tab>")
    editor.holds(LINE + ghost)
    editor.keys("<Esc>:w<CR>")
    editor.until(lambda: ladder.source.read_text() == LINE + ghost + "\n", "the file is another")
    editor.until(lambda: ("small", "accepted") in ladder.outcomes(), f"{ladder.requests()}")


def test_word_by_word_and_then_the_line(editor: Neovim, ladder: RealLadder) -> None:
    ghost = complete(editor, ladder.source, NAMES)
    taken = ""
    for _ in range(2):
        editor.keys("<M-Right>")
        editor.until(lambda taken=taken: editor.text > NAMES + taken, "no word was taken")  # type: ignore[misc]
        taken = editor.text.removeprefix(NAMES)
        assert ghost.startswith(taken)
        editor.shows(ghost.removeprefix(taken))
    editor.keys("<M-Down>")
    editor.holds(NAMES + ghost)
    editor.until(lambda: ("small", "accepted") in ladder.outcomes(), f"{ladder.requests()}")


def test_a_part_that_is_taken_is_told(editor: Neovim, ladder: RealLadder) -> None:
    complete(editor, ladder.source, NAMES)
    editor.keys("<M-Right>")
    editor.until(lambda: editor.text > NAMES, "no word was taken")
    editor.keys("<Esc>:bdelete!<CR>")
    editor.until(lambda: ("small", "partly_accepted") in ladder.outcomes(), f"{ladder.requests()}")


def test_what_is_typed_through_asks_no_model(editor: Neovim, ladder: RealLadder) -> None:
    ghost = complete(editor, ladder.source, LINE)
    asked = project(editor)["answers"]
    for end in range(1, len(ghost)):
        editor.keys(typed(ghost[end - 1]))
        editor.shows(ghost[end:])
    assert project(editor)["answers"] == asked
    editor.keys("<Tab>")
    editor.holds(LINE + ghost)


def test_what_is_typed_over_is_a_rejection_and_the_large_model_writes_the_next(
    editor: Neovim, ladder: RealLadder, large: Large
) -> None:
    ghost = complete(editor, ladder.source, LINE)
    asked = large.asked
    other = "write(" if not ghost.startswith("w") else "close("
    editor.keys(other)
    editor.until(lambda: ("small", "rejected") in ladder.outcomes(), f"{ladder.requests()}")
    ghost = editor.offered()
    explained = editor.command("rung.explain")
    assert explained["answer"] == {"rung": "large", "text": ghost}
    assert large.asked > asked
    editor.keys("<Tab>")
    editor.holds(LINE + other + ghost)
    editor.until(lambda: ("large", "accepted") in ladder.outcomes(), f"{ladder.requests()}")


def test_the_small_models_text_is_grey_until_the_large_one_has_answered(
    nvim: str, ladder: RealLadder, large: Large
) -> None:
    config = ladder.folder / "config.yaml"
    config.write_text(config.read_text().replace("theta: 0\n", f"theta: {CLIMBS}\n"))
    with started(nvim, ladder) as editor:
        asked = large.asked
        with large.held():
            first = complete(editor, ladder.source, LINE)
        editor.until(lambda: editor.ghost not in ("", first), "the large rung's text never came")
        better = editor.ghost
        assert editor.command("rung.explain")["answer"] == {"rung": "large", "text": better}
        assert large.asked > asked
        editor.until(lambda: "rung large" in editor.lua("return require('rung.status').text()"), "it is not named")
        editor.keys("<Tab>")
        editor.holds(LINE + better)
        editor.until(lambda: ladder.outcomes() == [("large", "accepted")], f"{ladder.requests()}")


def test_while_it_is_paused_only_who_asks_by_hand_is_answered(editor: Neovim, ladder: RealLadder) -> None:
    complete(editor, ladder.source, LINE)
    editor.keys("<Esc>")
    editor.run("Rung pause")
    editor.until(lambda: "paused" in editor.lua("return require('rung.status').text()"), "it never said so")
    asked = project(editor)["answers"]
    editor.keys("o    print(")
    editor.until(lambda: editor.text.endswith("print("), "it was not typed")
    assert project(editor)["answers"] == asked
    assert editor.ghost == ""
    editor.keys("<M-Bslash>")
    editor.offered()
    editor.keys("<Esc>")
    editor.run("Rung resume")
    editor.until(lambda: "paused" not in editor.lua("return require('rung.status').text()"), "it stayed paused")
    editor.keys("opath.")
    editor.offered()


def test_a_server_that_is_killed_is_told_once_and_completes_again(editor: Neovim, ladder: RealLadder) -> None:
    ghost = complete(editor, ladder.source, LINE)
    (first,) = servers(editor)
    os.kill(first, signal.SIGKILL)
    editor.until(lambda: servers(editor) not in ([], [first]), "it was not started again")
    editor.shows(ghost)
    assert editor.messages().count("rung quit") == 1
    editor.keys("<Tab>")
    editor.holds(LINE + ghost)
    editor.until(lambda: ("small", "accepted") in ladder.outcomes(), f"{ladder.requests()}")


def test_several_lines_are_drawn_and_inserted(editor: Neovim, ladder: RealLadder) -> None:
    complete(editor, ladder.source, BODY)
    editor.until(lambda: editor.ghost.count("\n") > 1, "only its first line came")
    ghost = editor.ghost
    editor.until(lambda: [each.kind for each in ladder.requests()] == ["function"], f"{ladder.requests()}")
    editor.keys("<Tab>")
    editor.holds(BODY + ghost)


def test_windows_on_two_buffers_keep_to_themselves(editor: Neovim, ladder: RealLadder) -> None:
    complete(editor, ladder.source, LINE)
    editor.keys("<Esc>")
    editor.run("rightbelow vsplit")
    ghost = complete(editor, ladder.project / "b.py", NAMES)
    assert ghosts(editor) == {"b.py": 1}
    editor.keys("<Cmd>wincmd p<CR><End>")  # stays in insert mode
    editor.until(lambda: ghosts(editor) == {"a.py": 1} and editor.ghost[0] != ".", "it is not where the cursor is")
    first = editor.ghost
    editor.keys("<Tab>")
    editor.holds(LINE + first)
    editor.keys("<Cmd>wincmd p<CR>")
    editor.shows(ghost)
    assert editor.text == NAMES
    editor.keys("<Tab>")
    editor.holds(NAMES + ghost)


def test_of_two_windows_on_one_buffer_only_that_with_the_cursor_shows_it(editor: Neovim, ladder: RealLadder) -> None:
    ghost = complete(editor, ladder.source, LINE)
    line = LINE.rpartition("\n")[2].strip()
    editor.keys("<Esc>")
    editor.run("rightbelow vsplit")
    editor.keys("A")
    editor.until(lambda: drawn(editor, line) == [line, line + ghost], "it is not in the right window alone")
    editor.keys("<Cmd>wincmd p<CR><End>")
    editor.until(lambda: drawn(editor, line) == [line + ghost, line], "it is not in the left window alone")
    editor.keys("<Cmd>1<CR>")
    editor.until(lambda: drawn(editor, line) == [line, line], "it stayed")


def ghosts(editor: Neovim) -> dict[str, int]:
    """Grey texts by the buffer's file."""
    found: dict[str, int] = editor.lua(
        """
        local found = vim.empty_dict()
        for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
          local marks = vim.api.nvim_buf_get_extmarks(buffer, vim.api.nvim_create_namespace('rung'), 0, -1, {})
          if #marks > 0 then
            found[vim.fs.basename(vim.api.nvim_buf_get_name(buffer))] = #marks
          end
        end
        return found
        """
    )
    return found


def drawn(editor: Neovim, line: str) -> list[str]:
    """How the screen shows `line` in each of two windows side by side."""
    rows: list[str] = editor.lua(
        """
        vim.o.columns = 160
        vim.cmd.redraw({ bang = true })
        local rows = {}
        for row = 1, vim.o.lines do
          local cells = {}
          for column = 1, vim.o.columns do
            cells[column] = vim.fn.screenstring(row, column)
          end
          rows[row] = table.concat(cells)
        end
        return rows
        """
    )
    (row,) = (row for row in rows if line in row)
    return [part.strip() for part in row.split("│")]


def test_the_report_is_shown_in_a_terminal(editor: Neovim, ladder: RealLadder) -> None:
    complete(editor, ladder.source, LINE)
    editor.until(lambda: len(ladder.requests()) == 1, "nothing was recorded")
    editor.keys("<Esc>")
    editor.run("Rung report")
    editor.until(lambda: "Money" in editor.text, "no report came")
    assert "1 answered" in editor.text


def test_what_is_held_back_is_told_without_a_question_and_trusted_in_a_terminal(
    editor: Neovim, ladder: RealLadder
) -> None:
    (ladder.project / ".rung.yaml").write_text("budget: {usd_per_day: 7}\n")
    ghost = complete(editor, ladder.source, LINE)
    editor.until(lambda: "usd_per_day" in editor.messages(), "nothing was told")
    editor.keys("<Tab>")
    editor.holds(LINE + ghost)
    assert limit(editor) == 1
    editor.keys("<Esc>")
    editor.run("Rung trust")
    editor.until(lambda: "[y/N]" in editor.text, "it does not ask")
    editor.keys("y<CR>")
    editor.until(lambda: "is trusted;" in editor.text, "it was not trusted")
    editor.keys("<C-Bslash><C-n>")
    editor.run("bdelete!")
    complete(editor, ladder.project / "b.py", NAMES)
    editor.until(lambda: limit(editor) == 7, "the server does not know")


def limit(editor: Neovim) -> object:
    """$ per day, as the status line knows it."""
    return editor.lua("return require('rung.status').last().usdPerDay")


def test_health_shows_what_the_doctor_finds(editor: Neovim, ladder: RealLadder) -> None:
    complete(editor, ladder.source, LINE)
    editor.keys("<Esc>")
    editor.run("checkhealth rung")
    assert f"OK it runs for {ladder.project}" in editor.text
    assert "OK rung small" in editor.text
    assert "OK rung large" in editor.text
