"""The extension in the real VS Code where every line climbs to the large rung, behind a real HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from .real_ladder import CLIMBS, LINE, RUNG, Large, RealLadder, real_ladder
from .vscode_driven import CodeServer, Packaged, code_server

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory, smollm2: Path, large: Large) -> RealLadder:
    return real_ladder(tmp_path_factory.mktemp("vscode-climbs"), smollm2, large, theta=CLIMBS)


@pytest.fixture(scope="module")
def code(ladder: RealLadder, vscode: Packaged) -> Iterator[CodeServer]:
    with code_server(vscode, ladder, {"rung.path": str(RUNG)}) as code:
        yield code


def test_the_small_rungs_text_is_shown_until_the_large_one_has_answered(
    code: CodeServer, ladder: RealLadder, large: Large
) -> None:
    ladder.source.write_text(LINE[:-1])
    with code.window(ladder.source) as editor:
        with large.held():
            editor.type(LINE[-1])
            first = editor.offered()
            editor.until(lambda: editor.status.startswith("rung: large"), "the large rung was not asked")
        editor.until(lambda: editor.ghost not in ("", first), "the large rung's text never came")
        better = editor.ghost
        editor.press("Tab")
        editor.saved(ladder.source, LINE + better)
        editor.until(lambda: ladder.outcomes() == [("large", "accepted")], "the accept was not recorded")
        assert "$" in editor.status


def test_who_has_typed_on_keeps_what_is_shown(code: CodeServer, ladder: RealLadder, large: Large) -> None:
    path = ladder.project / "typed.py"
    path.write_text(LINE[:-1])
    with code.window(path) as editor, large.held() as release:
        editor.type(LINE[-1])
        first = editor.offered()
        editor.type(first[0])
        editor.shows(first[1:])
        editor.press("Tab")
        release()
        editor.saved(path, LINE + first)


def test_a_budget_that_is_used_up_is_told_in_the_status_bar(
    tmp_path: Path, smollm2: Path, large: Large, vscode: Packaged
) -> None:
    ladder = real_ladder(tmp_path, smollm2, large, theta=CLIMBS)
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text().replace("escalations_per_hour: 1000", "escalations_per_hour: 0"))
    ladder.source.write_text(LINE[:-1])
    with code_server(vscode, ladder, {"rung.path": str(RUNG)}) as code, code.window(ladder.source) as editor:
        editor.type(LINE[-1])
        editor.offered()
        editor.until(lambda: "over budget" in editor.status, "it was not told")


def test_a_large_rung_that_is_down_is_told_in_the_status_bar(
    tmp_path: Path, smollm2: Path, large: Large, vscode: Packaged
) -> None:
    ladder = real_ladder(tmp_path, smollm2, replace(large, url="http://127.0.0.1:1/v1"), theta=CLIMBS)
    ladder.source.write_text(LINE[:-1])
    with code_server(vscode, ladder, {"rung.path": str(RUNG)}) as code, code.window(ladder.source) as editor:
        editor.type(LINE[-1])
        editor.offered()
        editor.until(lambda: "offline" in editor.status, "it was not told")
