"""The extension in the real VS Code, with the real server, a real small model and a real large one behind HTTP."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .real_ladder import BODY, LINE, NAMES, RUNG, Large, RealLadder, real_ladder
from .vscode_driven import CodeServer, Packaged, VSCode, code_server

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@dataclass
class Project:
    """Each test has a file of its own. ladder: what rung has recorded of all of them."""

    ladder: RealLadder
    code: CodeServer
    files: int = 0
    seen: set[str] = field(default_factory=set)

    def file(self, text: str) -> Path:
        self.files += 1
        path = self.ladder.project / f"file{self.files}.py"
        path.write_text(text)
        self.seen = {request.id for request in self.ladder.requests()}
        return path

    def window(self, *files: Path) -> AbstractContextManager[VSCode]:
        return self.code.window(*files)

    def outcomes(self) -> list[tuple[str | None, str]]:
        """Of this test's completions: the rung that answered, and what became of it."""
        new = [request for request in self.ladder.requests() if request.id not in self.seen]
        return [(request.rung, request.outcome) for request in new if request.outcome is not None]

    def asked(self) -> int:
        """How many completions a model was asked for in this test."""
        return sum(request.id not in self.seen for request in self.ladder.requests())


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, smollm2: Path, large: Large, vscode: Packaged
) -> Iterator[Project]:
    """The small rung's text is always shown."""
    ladder = real_ladder(tmp_path_factory.mktemp("vscode"), smollm2, large, theta=0)
    with code_server(vscode, ladder, {"rung.path": str(RUNG)}) as code:
        yield Project(ladder, code)


def complete(editor: VSCode, text: str) -> str:
    """What is grey once `text` is typed."""
    editor.type(text)
    return editor.offered()


def body(editor: VSCode) -> str:
    """What is grey in the end behind the last characters of BODY; its first line may come before."""
    editor.type(BODY[-4:])
    editor.until(lambda: "\n" in editor.ghost, "the body has one line")
    return editor.ghost


def taken(editor: VSCode, ghost: str, key: str) -> str:
    """What the key takes of it; the rest stays grey."""
    editor.press(key)
    editor.until(lambda: editor.ghost not in ("", ghost), "nothing was taken, or all of it")
    part = ghost.removesuffix(editor.ghost)
    assert ghost == part + editor.ghost
    return part


def test_what_is_offered_is_grey_and_tab_inserts_it_into_the_file(project: Project) -> None:
    path = project.file(LINE[:-1])
    with project.window(path) as editor:
        ghost = complete(editor, LINE[-1])
        editor.saved(path, LINE)
        editor.press("Tab")
        editor.saved(path, LINE + ghost)
        editor.until(lambda: ("small", "accepted") in project.outcomes(), "the accept was not recorded")
        assert editor.status == "rung: small"


def test_a_word_of_it_is_taken(project: Project) -> None:
    path = project.file(LINE[:-1])
    with project.window(path) as editor:
        word = taken(editor, complete(editor, LINE[-1]), "Control+ArrowRight")
        assert word.strip()
        editor.saved(path, LINE + word)
        editor.type("#")
        editor.until(lambda: ("small", "partly_accepted") in project.outcomes(), "the part was not recorded")


def test_a_line_of_it_is_taken(project: Project) -> None:
    path = project.file(BODY[:-4])
    with project.window(path) as editor:
        ghost = body(editor)
        line = taken(editor, ghost, "Control+Alt+ArrowRight")
        assert line.rstrip() == ghost.split("\n")[0]
        editor.saved(path, BODY + line)
        editor.type("#")
        editor.until(lambda: ("small", "partly_accepted") in project.outcomes(), "the part was not recorded")


def test_what_is_typed_through_stays_and_asks_no_model_again(project: Project) -> None:
    path = project.file(LINE[:-1])
    with project.window(path) as editor:
        ghost = complete(editor, LINE[-1])
        # Telemetry is written behind the answer.
        editor.until(lambda: project.asked() == 1, "the request was not recorded")
        editor.type(ghost[:3])
        editor.shows(ghost[3:])
        assert project.asked() == 1
        editor.press("Tab")
        editor.saved(path, LINE + ghost)
        # It is the first request's text that was accepted: a second one's would have replaced it.
        editor.until(lambda: project.outcomes()[:1] == [("small", "accepted")], "the accept was not recorded")


def test_what_is_typed_over_is_a_rejection_and_the_large_rung_comes_next(project: Project, large: Large) -> None:
    path = project.file(LINE[:-1])
    with project.window(path) as editor:
        complete(editor, LINE[-1])
        before = large.asked
        editor.type("close" if not editor.ghost.startswith("c") else "read")
        editor.until(lambda: ("small", "rejected") in project.outcomes(), "the rejection was not recorded")
        editor.until(lambda: large.asked > before, "the large rung was not asked")
        editor.until(lambda: editor.status.startswith("rung: large"), "the large rung did not answer")


def test_escape_dismisses_and_the_large_rung_comes_next(project: Project, large: Large) -> None:
    path = project.file(LINE[:-1])
    with project.window(path) as editor:
        complete(editor, LINE[-1])
        before = large.asked
        editor.press("Escape")
        editor.shows("")
        editor.until(lambda: ("small", "dismissed") in project.outcomes(), "dismissing was not recorded")
        editor.type("r")
        editor.until(lambda: large.asked > before, "the large rung was not asked")


def test_behind_letters_of_several_bytes_it_stands_where_it_belongs(project: Project) -> None:
    path = project.file(NAMES[:-1])
    with project.window(path) as editor:
        ghost = complete(editor, NAMES[-1])
        editor.press("Tab")
        editor.saved(path, NAMES + ghost)


def test_a_body_of_several_lines_is_drawn_and_inserted(project: Project) -> None:
    path = project.file(BODY[:-4])
    with project.window(path) as editor:
        ghost = body(editor)
        editor.press("Tab")
        editor.saved(path, BODY + ghost)
        editor.until(lambda: ("small", "accepted") in project.outcomes(), "the accept was not recorded")


def test_several_are_offered_to_who_asks_by_hand(project: Project) -> None:
    with project.window(project.file('title = "')) as editor:
        editor.press("Alt+\\")
        first = editor.offered()
        editor.press("Alt+]")
        editor.until(lambda: editor.ghost not in ("", first), "there is one only")
        editor.press("Alt+[")
        editor.shows(first)


def test_while_it_is_paused_nothing_is_offered(project: Project) -> None:
    path = project.file(LINE[:-1])
    with project.window(path) as editor:
        complete(editor, LINE[-1])
        editor.menu("Pause in this project")
        editor.until(lambda: editor.status == "rung paused", "it never said so")
        asked = project.asked()
        editor.type("\nx = ")
        editor.saved(path, LINE + "\n        x = ")
        assert (editor.ghost, project.asked()) == ("", asked)
        editor.menu("Resume in this project")
        editor.until(lambda: editor.status != "rung paused", "it stayed paused")
        editor.type("[")
        editor.offered()


def test_a_project_is_paused_before_anything_was_completed_in_it(project: Project) -> None:
    path = project.file(LINE[:-1])
    with project.window(path) as editor:
        editor.menu("Pause in this project")
        editor.until(lambda: editor.status == "rung paused", "it never said so")
        editor.type(LINE[-1])
        editor.saved(path, LINE)
        assert (editor.ghost, project.asked()) == ("", 0)


def test_a_server_that_was_killed_starts_again(project: Project) -> None:
    path = project.file(LINE[:-1])
    with project.window(path) as editor:
        complete(editor, LINE[-1])
        (pid,) = project.ladder.servers()
        os.kill(pid, signal.SIGKILL)
        editor.until(lambda: project.ladder.servers() not in ([], [pid]), "no server was started")
        editor.restarted()
        editor.press("Escape", "Backspace")
        complete(editor, LINE[-1])


def test_two_windows_do_not_disturb_each_other(project: Project) -> None:
    one, two = project.file(LINE[:-1]), project.file(NAMES[:-1])
    with project.window(one) as first, project.window(two) as second:
        left = complete(first, LINE[-1])
        right = complete(second, NAMES[-1])
        first.shows(left)
        first.press("Tab")
        second.press("Tab")
        first.saved(one, LINE + left)
        second.saved(two, NAMES + right)


def test_two_editors_side_by_side_show_it_where_the_cursor_is(project: Project) -> None:
    one, two = project.file(LINE[:-1]), project.file(NAMES[:-1])
    with project.window(one) as editor:
        editor.command("View: Split Editor Right")
        editor.open(two)
        ghost = complete(editor, NAMES[-1])
        assert editor.page.locator(".editor-group-container:not(.active) .ghost-text-decoration").count() == 0
        editor.press("Tab")
        editor.saved(two, NAMES + ghost)
        assert one.read_text() == LINE[:-1]


def test_the_last_completion_is_explained_beside_the_code(project: Project) -> None:
    with project.window(project.file(LINE[:-1])) as editor:
        complete(editor, LINE[-1])
        editor.command("rung: Explain the Last Completion")
        frame = editor.page.frame_locator("iframe.webview").frame_locator("iframe")
        frame.locator("strong", has_text="small").first.wait_for()


def test_the_report_is_a_page(project: Project) -> None:
    with project.window(project.file(LINE[:-1])) as editor:
        complete(editor, LINE[-1])
        editor.command("rung: Report")
        frame = editor.page.frame_locator("iframe.webview").frame_locator("iframe")
        frame.get_by_text("What became of what was shown").wait_for()
