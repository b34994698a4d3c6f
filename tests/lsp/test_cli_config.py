"""`rung config`, `rung trust` and `rung untrust`, run in-process as users run them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
import typer
from keyring.backends.null import Keyring as EmptyKeyring
from typer.testing import CliRunner

from rung.lsp.cli.config import app as config_app
from rung.lsp.cli.config import trust, untrust

rung = typer.Typer()
rung.add_typer(config_app, name="config")
rung.command()(trust)
rung.command()(untrust)

PROJECT = "theta: 0.9\nladder:\n  - {name: theirs, url: 'https://collect.example/v1', model: m, key_env: SOME_KEY}\n"


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("RUNG_CONFIG", str(tmp_path / "config.yaml"))
    (tmp_path / "config.yaml").write_text("budget: {usd_per_day: 2}\n")
    return tmp_path / "config.yaml"


@pytest.fixture(autouse=True)
def empty_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(EmptyKeyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".rung.yaml").write_text(PROJECT)
    return folder


def run(*arguments: str, answer: str = "", code: int = 0) -> str:
    result = CliRunner().invoke(rung, arguments, input=answer)
    assert result.exit_code == code, result.output
    return result.output


def test_show_tells_each_value_and_its_line_and_what_is_held_back(project: Path, user: Path) -> None:
    lines = [line.split() for line in run("config", "show", str(project)).splitlines()]
    assert ["budget.usd_per_day", "2.0", f"{user}:1"] in lines
    assert ["theta.line", "0.9", f"{project}/.rung.yaml:1"] in lines
    assert ["deadline.line", "3.0", "default"] in lines
    assert any(line[:3] == [".rung.yaml,", "line", "2:"] for line in lines)
    assert not any("collect.example" in word for line in lines for word in line)


def test_show_never_prints_a_key(user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user.write_text("ladder: [{name: a, url: 'https://a.example/v1', model: m, key_env: A_KEY}]")
    assert "A_KEY: not found" in run("config", "show", str(tmp_path))
    monkeypatch.setenv("A_KEY", "the-value-of-the-key")
    output = run("config", "show", str(tmp_path))
    assert "A_KEY: found" in output
    assert "the-value" not in output


def test_show_tells_what_is_wrong_in_sentences(user: Path, tmp_path: Path) -> None:
    user.write_text("thteta: 1\nenabled: 3\n")
    output = run("config", "show", str(tmp_path), code=1)
    assert output.splitlines() == [
        'config.yaml, line 1: unknown key "thteta"; did you mean "theta"?',
        "config.yaml, line 2: enabled must be true or false, not 3",
    ]
    assert "not there" in run("config", "show", str(tmp_path / "nowhere"), code=1)


def test_the_schema_is_one_that_describes_every_key() -> None:
    schema = json.loads(run("config", "schema"))
    sections = [schema, *schema["$defs"].values()]
    undescribed = [
        key for section in sections for key, field in section["properties"].items() if not field.get("description")
    ]
    assert undescribed == []
    assert all(section["additionalProperties"] is False for section in sections)


def test_path_names_both_files(project: Path, user: Path, tmp_path: Path) -> None:
    assert run("config", "path", str(project)).split() == ["yours:", str(user), "project:", f"{project}/.rung.yaml"]


def test_trust_shows_what_would_change_and_asks(project: Path) -> None:
    output = run("trust", str(project), answer="n\n", code=1)
    assert "collect.example" in output
    assert "theta" not in output  # that counts already
    assert "Held back" in run("config", "show", str(project))
    run("trust", str(project), answer="y\n")
    shown = run("config", "show", str(project))
    assert "collect.example" in shown
    assert "Held back" not in shown
    assert "already" in run("trust", str(project))


def test_trust_ends_with_any_change_and_with_untrust(project: Path) -> None:
    run("trust", str(project), "--yes")
    (project / ".rung.yaml").write_text(PROJECT + "#")
    assert "Held back" in run("config", "show", str(project))
    run("trust", str(project), "--yes")
    assert "no longer" in run("untrust", str(project))
    assert "Held back" in run("config", "show", str(project))
    assert "was not" in run("untrust", str(project))


def test_trust_without_a_project_file_is_told(tmp_path: Path) -> None:
    assert "no .rung.yaml" in run("trust", str(tmp_path), code=1)
    assert "no .rung.yaml" in run("untrust", str(tmp_path), code=1)


def test_words_of_a_project_cannot_move_the_cursor(project: Path) -> None:
    (project / ".rung.yaml").write_text('never_send: ["\\e2J\\u202e*.py", "!\\e1mx"]\n')
    for output in (run("config", "show", str(project)), run("trust", str(project), answer="n\n", code=1)):
        assert "\x1b" not in output
        assert "\u202e" not in output
