"""How the extension in the real VS Code finds, installs and trusts what it starts."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from .real_ladder import LINE, RUNG, RealLadder, real_ladder
from .vscode_driven import Packaged, VSCode, code_server

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

INSTALL_S = 600.0  # where llama.cpp has to be built first


@pytest.fixture
def ladder(tmp_path: Path, smollm2: Path) -> RealLadder:
    """Of the small rung alone; no `rung` is on PATH."""
    ladder = real_ladder(tmp_path, smollm2, None, theta=0)
    path = os.pathsep.join([str(Path(sys.base_prefix) / "bin"), "/usr/bin", "/bin"])
    ladder.environment.update(PATH=path, VIRTUAL_ENV="")
    ladder.source.write_text(LINE[:-1])
    return ladder


def environment_in(folder: Path) -> Path:
    """A virtual environment of the workspace's own, as far as the extension sees it."""
    program = folder / ".venv" / "bin" / "rung"
    program.parent.mkdir(parents=True)
    program.symlink_to(RUNG)
    return program


def completes(editor: VSCode, ladder: RealLadder) -> None:
    editor.type(LINE[-1])
    ghost = editor.offered()
    editor.press("Tab")
    editor.saved(ladder.source, LINE + ghost)


def test_the_workspaces_environment_is_found(ladder: RealLadder, vscode: Packaged) -> None:
    environment_in(ladder.project)
    with code_server(vscode, ladder, {}) as code, code.window(ladder.source) as editor:
        completes(editor, ladder)


def test_in_a_workspace_that_is_not_trusted_its_environment_is_not_used_until_it_is(
    ladder: RealLadder, vscode: Packaged
) -> None:
    environment_in(ladder.project)
    settings = {"security.workspace.trust.enabled": True, "security.workspace.trust.startupPrompt": "never"}
    with code_server(vscode, ladder, settings) as code, code.window(ladder.source, server=False) as editor:
        editor.until(lambda: editor.status == "rung is not installed", "it was used")
        editor.command("Workspaces: Manage Workspace Trust")
        editor.page.locator(".workspace-trust-editor .monaco-button", has_text="Trust").first.click()
        editor.until(lambda: editor.status == "rung", "it was not used then")


def test_a_path_without_a_program_is_told_in_a_sentence(ladder: RealLadder, vscode: Packaged) -> None:
    with (
        code_server(vscode, ladder, {"rung.path": "/nowhere/rung"}) as code,
        code.window(ladder.source, server=False) as editor,
    ):
        said = "rung: rung.path is /nowhere/rung, where no program is."
        editor.until(lambda: said in editor.messages, "it was not told")


def test_a_program_that_ends_at_once_is_told_once_and_another_one_is_started_then(
    ladder: RealLadder, vscode: Packaged
) -> None:
    program = ladder.folder / "program"
    program.symlink_to("/bin/true")
    with (
        code_server(vscode, ladder, {"rung.path": str(program)}) as code,
        code.window(ladder.source, server=False) as editor,
    ):
        editor.until(lambda: editor.status == "rung has failed", "it was not told")
        editor.until(lambda: editor.messages != [], "there is no message")
        (message,) = editor.messages
        assert message.startswith(f"rung: `{program} serve` does not work: ")
        program.unlink()
        program.symlink_to(RUNG)
        editor.command("rung: Restart the Server")
        editor.restarted()
        editor.focus()
        completes(editor, ladder)


def test_a_server_whose_program_is_gone_is_told_when_it_ends(ladder: RealLadder, vscode: Packaged) -> None:
    program = ladder.folder / "program"
    program.symlink_to(RUNG)
    with (
        code_server(vscode, ladder, {"rung.path": str(program)}) as code,
        code.window(ladder.source) as editor,
    ):
        program.unlink()
        (server,) = ladder.servers()
        os.kill(server, signal.SIGKILL)
        editor.until(lambda: editor.status == "rung has stopped", "it was not seen")
        editor.until(lambda: editor.messages != [], "it was not told")
        assert editor.messages == ["rung: The server ended and cannot be started again."]


def test_an_install_that_fails_leaves_what_ran_running(ladder: RealLadder, vscode: Packaged) -> None:
    ladder.environment["PYTHON"] = "/nowhere/python"
    with code_server(vscode, ladder, {"rung.path": str(RUNG)}) as code, code.window(ladder.source) as editor:
        editor.command("rung: Install the Server")
        editor.until(lambda: any("could not be installed" in each for each in editor.messages), "it was not told")
        editor.restarted()
        editor.focus()
        completes(editor, ladder)


def test_where_there_is_none_one_message_installs_it(ladder: RealLadder, vscode: Packaged) -> None:
    ladder.environment["XDG_CACHE_HOME"] = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    with code_server(vscode, ladder, {}) as code, code.window(ladder.source, server=False) as editor:
        editor.until(lambda: len(editor.messages) == 1, "there is no message")
        (message,) = editor.messages
        assert message.startswith("rung is not installed here")
        editor.answer("Install")
        editor.until(lambda: editor.status == "rung", "it was not installed", limit=INSTALL_S)
        editor.focus()
        completes(editor, ladder)


def test_a_projects_file_is_trusted_after_a_look_at_it(ladder: RealLadder, vscode: Packaged) -> None:
    (ladder.project / ".rung.yaml").write_text("budget: {usd_per_day: 100}\n")
    with code_server(vscode, ladder, {"rung.path": str(RUNG)}) as code, code.window(ladder.source) as editor:
        editor.menu("Trust this project")
        terminal = editor.page.locator(".terminal-wrapper.active .xterm-rows")
        editor.until(lambda: "[y/N]" in terminal.inner_text(), "it did not ask")
        assert "usd_per_day" in terminal.inner_text()
        editor.type("y")
        editor.press("Enter")
        editor.until(lambda: any((ladder.folder / "data").rglob("trust/*")), "it was not trusted")
