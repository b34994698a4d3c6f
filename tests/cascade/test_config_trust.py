"""Layers, what a project may say, and trust; with real files and a real folder of trust."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.cascade.config import ConfigError, Settings, load, preview, untrust
from rung.cascade.config.places import trust_folder
from rung.cascade.config.trust import is_trusted, trust

posix = pytest.mark.skipif(os.name != "posix", reason="permissions, named pipes and links as POSIX has them")


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("RUNG_CONFIG", raising=False)
    (tmp_path / "config" / "rung").mkdir(parents=True)
    return tmp_path / "config" / "rung" / "config.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project" / "src").mkdir(parents=True)
    return tmp_path / "project" / ".rung.yaml"


def loaded(project: Path, text: str) -> Settings:
    project.write_text(text, "utf-8")
    return load(project.parent / "src" / "a.py")


def test_values_come_from_the_defaults_then_the_user_then_the_project(user: Path, project: Path) -> None:
    user.write_text("theta:\n  line: 0.6\nbudget:\n  usd_per_day: 2\n")
    settings = loaded(project, "budget:\n\n  usd_per_day: 1\n")
    assert settings.config.theta.line == 0.6
    assert settings.config.budget.usd_per_day == 1
    assert settings.config.budget.escalations_per_hour == 120
    assert str(settings.origin["theta.line"]) == f"{user}:2"
    assert str(settings.origin["budget.usd_per_day"]) == f"{project}:3"
    assert str(settings.origin["theta.function"]) == "default"
    assert settings.project_root == project.parent
    assert settings.held_back == ()


def test_the_user_alone_without_a_project(user: Path) -> None:
    user.write_text("theta: 0.9\nladder:\n  - name: a\n    checkpoint: sub/b.gguf\n")
    settings = load(None)
    assert settings.project_root is None
    assert settings.config.ladder[0].checkpoint == str(user.parent / "sub" / "b.gguf")
    assert str(settings.origin["theta.function"]) == f"{user}:1"
    assert str(settings.origin["ladder[0].checkpoint"]) == f"{user}:4"
    assert str(settings.origin["ladder[0].k"]) == "default"


def test_the_nearest_project_file_counts_else_the_root_is_a_repository_or_package(
    project: Path, tmp_path: Path
) -> None:
    inner = project.parent / "src" / "inner"
    (inner / ".git").mkdir(parents=True)
    assert load(inner / "a.py").project_root == inner
    project.write_text("theta: 0.9")
    assert load(inner / "a.py").config.theta.line == 0.9
    (inner / ".rung.yaml").write_text("theta: 0.8")
    assert load(inner).config.theta.line == 0.8
    assert load(inner / "not" / "there.py").project_root == inner


def test_a_project_may_tighten_without_trust(user: Path, project: Path) -> None:
    user.write_text("budget: {tokens_per_day: null}\nnever_send: ['*.sql']\n")
    text = "enabled: false\ntheta: 0.8\ndeadline: {line: 1}\nbudget: {usd_per_day: 0, tokens_per_day: 10}\n"
    settings = loaded(project, text + "never_send: ['*.csv']\ntelemetry: {enabled: false}\n")
    config = settings.config
    assert settings.held_back == ()
    assert (config.enabled, config.theta.line, config.deadline.line) == (False, 0.8, 1)
    assert (config.budget.usd_per_day, config.budget.tokens_per_day) == (0, 10)
    assert config.never_send == ("*.sql", "*.csv")
    assert not config.telemetry.enabled
    assert str(settings.origin["never_send[1]"]) == f"{project}:5"


@pytest.mark.parametrize(
    ("of_user", "of_project", "key"),
    [
        ("enabled: false", "enabled: true", "enabled"),
        ("", "theta: {function: 0.4}", "theta.function"),
        ("", "deadline: {function: 31}", "deadline.function"),
        ("", "budget: {usd_per_day: 1.01}", "budget.usd_per_day"),
        ("", "budget: {usd_per_day: null}", "budget.usd_per_day"),
        ("budget: {tokens_per_day: 5}", "budget: {tokens_per_day: 6}", "budget.tokens_per_day"),
        ("", "telemetry: {source_text: true}", "telemetry.source_text"),
        ("telemetry: {enabled: false}", "telemetry: {enabled: true}", "telemetry.enabled"),
        ("never_send: ['a']", "never_send: ['!a']", "never_send[0]"),
        ("", "ladder: [{name: x, url: 'https://a.example/v1', model: m}]", "ladder"),
        ("", "ladder: [{name: x, checkpoint: /tmp/x.gguf}]", "ladder"),
        ("", "ladder: [{name: small, checkpoint: smollm2-135m, cache_mb: 64}]", "ladder"),
    ],
)
def test_what_loosens_is_held_back_until_that_content_is_trusted(
    user: Path, project: Path, of_user: str, of_project: str, key: str
) -> None:
    user.write_text(of_user)
    before = loaded(project, f"# words\n{of_project}\n")
    assert before.config == load(None).config
    (held,) = before.held_back
    assert (held.key, held.line, held.file) == (key, 2, project)
    assert held.sentence.startswith(f".rung.yaml, line 2: {key} waits until you trust this file")
    preview(project.parent).accept()
    after = load(project.parent)
    assert after.trusted
    assert after.held_back == ()
    assert after.config != before.config
    assert loaded(project, f"# Words\n{of_project}\n").config == before.config


def test_what_the_user_says_too_is_not_held_back(user: Path, project: Path) -> None:
    text = "ladder:\n  - {name: a, checkpoint: b}\n"
    user.write_text(text)
    assert loaded(project, f"enabled: true\nbudget: {{usd_per_day: 1.0}}\n{text}").held_back == ()


NUMBERS = st.none() | st.integers(0, 20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    theta=st.integers(0, 10).map(lambda n: n / 10),
    usd=NUMBERS,
    tokens=NUMBERS,
    deadline=st.integers(1, 60),
    switches=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    patterns=st.lists(st.sampled_from(["a", "!a", "*.py", "!*"]), max_size=3),
)
def test_an_untrusted_project_never_loosens_anything(
    project: Path,
    user: Path,
    theta: float,
    usd: int | None,
    tokens: int | None,
    deadline: int,
    switches: tuple[bool, bool, bool],
    patterns: list[str],
) -> None:
    user.write_text(
        "theta: {line: 0.5, function: 0.3}\nbudget: {usd_per_day: 10, tokens_per_day: null}\nnever_send: [u]"
    )
    enabled, recorded, source = (str(switch).lower() for switch in switches)
    shown_usd, shown_tokens = ("null" if number is None else number for number in (usd, tokens))
    found = loaded(
        project,
        f"theta: {theta}\nbudget: {{usd_per_day: {shown_usd}, tokens_per_day: {shown_tokens}}}\n"
        f"deadline: {{line: {deadline}, function: {deadline}}}\nenabled: {enabled}\n"
        f"telemetry: {{enabled: {recorded}, source_text: {source}}}\nnever_send: {patterns}\n",
    ).config
    assert found.theta.line >= 0.5
    assert found.theta.function >= 0.3
    assert found.budget.usd_per_day is not None
    assert found.budget.usd_per_day <= 10
    assert found.deadline.line <= 3
    assert found.deadline.function <= 30
    assert not found.telemetry.source_text
    assert found.never_send[0] == "u"
    assert not any(pattern.startswith("!") for pattern in found.never_send)


def test_trust_belongs_to_the_place_and_to_the_content(project: Path, tmp_path: Path) -> None:
    project.write_text("deadline: {line: 60}")
    other = tmp_path / ".rung.yaml"
    trust(project, project.read_bytes())
    assert is_trusted(project, project.read_bytes())
    assert not is_trusted(project, project.read_bytes() + b" ")
    assert not is_trusted(other, project.read_bytes())
    (tmp_path / "alias").symlink_to(project.parent)
    assert is_trusted(tmp_path / "alias" / ".rung.yaml", project.read_bytes())
    assert untrust(project)
    assert not untrust(project)
    assert not is_trusted(project, project.read_bytes())


@posix
def test_the_record_of_trust_is_the_users_alone(project: Path) -> None:
    trust(project, b"a")
    (entry,) = trust_folder().iterdir()
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(trust_folder().stat().st_mode) == 0o700
    entry.chmod(0o666)
    assert not is_trusted(project, b"a")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 60_000, b'{"path": 1, "sha256": 2}'])
def test_a_damaged_record_of_trust_trusts_nothing(project: Path, damage: bytes) -> None:
    trust(project, b"a")
    (entry,) = trust_folder().iterdir()
    entry.write_bytes(damage)
    assert not is_trusted(project, b"a")


def test_many_projects_trusted_at_once_are_all_trusted(tmp_path: Path) -> None:
    files = [tmp_path / f"p{i}" / ".rung.yaml" for i in range(30)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda file: trust(file, b"a"), files))
    assert all(is_trusted(file, b"a") for file in files)
    assert all(entry.suffix == ".json" for entry in trust_folder().iterdir())


def test_trust_that_cannot_be_written_is_told(project: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(ConfigError, match="trust cannot be written"):
        trust(project, b"a")


def test_a_preview_accepts_only_what_was_shown(project: Path) -> None:
    project.write_text("deadline: {line: 60}")
    shown = preview(project.parent)
    assert shown.changes() == [("deadline.line", 3, 60)]
    project.write_text("deadline: {line: 600}")
    shown.accept()
    assert load(project.parent).config.deadline.line == 3


@posix
def test_a_project_file_that_is_a_pipe_or_link_or_too_large_is_refused(project: Path, tmp_path: Path) -> None:
    os.mkfifo(project)
    with pytest.raises(ConfigError, match="not a regular file"):
        load(project.parent)
    project.unlink()
    for target in (tmp_path / "none", tmp_path / "there"):
        (tmp_path / "there").write_text("theta: 0.9")
        project.symlink_to(target)
        with pytest.raises(ConfigError, match="symbolic link"):
            load(project.parent)
        project.unlink()
    project.write_text("#" * 70_000)
    with pytest.raises(ConfigError, match="64 KiB"):
        load(project.parent)


def test_words_of_a_project_file_are_shown_without_control_characters(project: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(project, f'"\\e[31m\\u202e{"k" * 5_000}": 1\n')
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 150


def test_rung_config_names_the_users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_CONFIG", str(tmp_path / "mine.yaml"))
    with pytest.raises(ConfigError, match="RUNG_CONFIG names"):
        load(None)
    (tmp_path / "mine.yaml").write_text("theta: 0.1")
    assert load(None).config.theta.line == 0.1


def test_the_users_own_file_is_no_projects_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_CONFIG", str(project))
    settings = loaded(project, "theta: 0.1")
    assert settings.config.theta.line == 0.1
    assert settings.held_back == ()
    assert settings.project_root == project.parent
