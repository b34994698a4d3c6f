from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.cascade.privacy import ALWAYS_NEVER_SENT, may_send
from rung.cascade.privacy.ignored import ignored_by

posix = pytest.mark.skipif(os.name != "posix", reason="named pipes and links as POSIX has them")


@pytest.fixture(autouse=True)
def no_ignore_file_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / ".git" / "info").mkdir(parents=True)
    return project


def write(path: Path, text: str = "x = 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_an_ordinary_file_and_a_text_without_a_file_may_be_sent(root: Path) -> None:
    assert may_send(write(root / "a.py"), "x = 1", root) is None
    assert may_send(root / "not" / "saved" / "yet.py", "x = 1", root) is None
    assert may_send(None, "x = 1", root) is None
    assert may_send(write(root / "a.py"), "x = 1", None) is None


@pytest.mark.parametrize(
    "name",
    [".env", ".env.local", "prod.env", "deploy/server.PEM", "keys/id_rsa", "id_ed25519.pub", "a/.ssh/config", ".npmrc"],
)
def test_files_that_hold_keys_are_never_sent(root: Path, name: str) -> None:
    reason = may_send(write(root / name), "x = 1", root)
    assert reason is not None
    assert "never_send" in reason


def test_a_later_pattern_takes_a_file_out_again_but_not_out_of_a_folder(root: Path) -> None:
    assert may_send(root / ".env.example", "A=1", root, ["!.env.example"]) is None
    assert may_send(root / "secret" / "a.py", "A=1", root, ["secret/", "!secret/a.py"]) is not None


def test_the_reason_names_the_pattern_or_the_file_and_its_line(root: Path) -> None:
    write(root / "sub" / ".gitignore", "# generated\n*.gen.py\n")
    by_pattern = may_send(root / "data" / "a.csv", "", root, ["*.csv"])
    by_git = may_send(root / "sub" / "a.gen.py", "", root)
    assert by_pattern == 'data/a.csv matches the never_send pattern "*.csv"; this stays on your machine.'
    assert by_git == 'sub/a.gen.py is ignored by sub/.gitignore, line 2 ("*.gen.py"); this stays on your machine.'


def test_the_reason_for_a_secret_has_its_kind_and_line_and_not_the_secret(root: Path) -> None:
    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    reason = may_send(root / "pay.py", f'import stripe\nstripe.api_key = "{secret}"\n', root)
    assert reason is not None
    assert "Line 2" in reason
    assert "Stripe" in reason
    assert secret[8:] not in reason


def test_a_changed_gitignore_counts_at_once(root: Path) -> None:
    file = root / "a.py"
    assert may_send(file, "", root) is None
    write(root / ".gitignore", "a.py\n")
    assert may_send(file, "", root) is not None
    write(root / ".gitignore", "b.py\n")
    assert may_send(file, "", root) is None
    write(root / ".git" / "info" / "exclude", "a.*\n")
    assert may_send(file, "", root) is not None


def test_the_ignore_file_of_the_user_counts(root: Path) -> None:
    write(Path(os.environ["XDG_CONFIG_HOME"]) / "git" / "ignore", "*.local.py\n")
    assert may_send(root / "a.local.py", "", root) is not None


def test_gitignore_counts_without_a_repository_and_above_a_project_inside_one(tmp_path: Path) -> None:
    write(tmp_path / "plain" / ".gitignore", "out/\n")
    assert may_send(tmp_path / "plain" / "out" / "a.py", "", tmp_path / "plain") is not None
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    write(tmp_path / "repository" / ".gitignore", "packages/*/out/\n")
    package = tmp_path / "repository" / "packages" / "one"
    assert may_send(package / "out" / "a.py", "", package) is not None
    assert may_send(package / "in" / "a.py", "", package) is None


def test_what_a_project_ignores_stays_ignored_in_a_repository_inside_of_it(root: Path) -> None:
    write(root / ".gitignore", "vendor/\n")
    (root / "vendor" / "lib" / ".git").mkdir(parents=True)
    assert may_send(root / "vendor" / "lib" / "a.py", "", root) is not None


def test_the_exclude_file_of_a_worktree_counts(tmp_path: Path) -> None:
    main, work = tmp_path / "main", tmp_path / "work"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q", str(main)], check=True)
    subprocess.run([*git, "-C", str(main), "commit", "-q", "--allow-empty", "-m", "a"], check=True)
    subprocess.run([*git, "-C", str(main), "worktree", "add", "-q", str(work)], check=True)
    write(main / ".git" / "info" / "exclude", "private.py\n")
    assert may_send(work / "private.py", "", work) is not None
    assert may_send(work / "public.py", "", work) is None


def test_a_file_outside_of_the_project_is_not_sent(root: Path, tmp_path: Path) -> None:
    assert "outside" in (may_send(write(tmp_path / "other.py"), "", root) or "")
    assert "outside" in (may_send(root / ".." / "other.py", "", root) or "")


@posix
def test_a_link_is_what_it_is_called_and_what_it_points_to(root: Path, tmp_path: Path) -> None:
    write(root / ".gitignore", "hidden/\nalias.py\n")
    write(root / "hidden" / "a.py")
    write(root / "open.py")
    (root / "link.py").symlink_to(root / "hidden" / "a.py")
    (root / "folder").symlink_to(root / "hidden")
    (root / "alias.py").symlink_to(root / "open.py")
    (root / "away.py").symlink_to(write(tmp_path / "away.py"))
    for name in ("link.py", "folder/a.py", "alias.py", "away.py"):
        assert may_send(root / name, "", root) is not None, name
    (tmp_path / "entry").symlink_to(root)
    assert may_send(tmp_path / "entry" / "open.py", "", tmp_path / "entry") is None
    assert may_send(tmp_path / "entry" / "alias.py", "", tmp_path / "entry") is not None


@posix
def test_a_gitignore_that_cannot_be_read_lets_nothing_through(root: Path) -> None:
    os.mkfifo(root / ".gitignore")
    assert "cannot be found out" in (may_send(root / "a.py", "", root) or "")
    os.unlink(root / ".gitignore")
    (root / ".gitignore").symlink_to(root / ".gitignore")
    assert "cannot be found out" in (may_send(root / "a.py", "", root) or "")


def test_a_path_that_no_file_can_have_is_not_sent(root: Path) -> None:
    assert may_send(Path("a\0b.py"), "", root) is not None


def test_a_text_too_large_to_search_is_not_sent(root: Path) -> None:
    assert may_send(None, "a\n" * 300_000, root) is not None


@pytest.mark.parametrize(
    "pattern", ["*a" * 60 + "b", "**/a/" * 60 + "b", "!" + "*a" * 60 + "b", "[" + "a-" * 100 + "]"]
)
def test_a_hostile_pattern_does_not_hang(root: Path, pattern: str) -> None:
    write(root / ".gitignore", f"{pattern}\n")
    may_send(root / ("a/" * 60 + "a" * 200), "", root, [pattern])


def test_a_pattern_with_many_stars_still_ignores_what_it_names(root: Path) -> None:
    assert may_send(root / "a1b2c3d4e.py", "", root, ["a*b*c*d*e.py"]) is not None
    assert may_send(root / "x/1/y/2/z/3/w/secret", "", root, ["**/x/**/y/**/z/**/secret"]) is not None


def test_the_built_in_patterns_are_all_patterns() -> None:
    from rung.cascade.config.rules import gitignore_pattern

    assert [gitignore_pattern(pattern) for pattern in ALWAYS_NEVER_SENT] == list(ALWAYS_NEVER_SENT)


async def test_the_gate_runs_in_threads(root: Path) -> None:
    write(root / ".gitignore", "b*\n")
    names = [f"{letter}{i}.py" for i in range(20) for letter in "ab"]
    reasons = await asyncio.gather(*(asyncio.to_thread(may_send, root / name, "", root) for name in names))
    assert [name for name, reason in zip(names, reasons, strict=True) if reason] == [n for n in names if n[0] == "b"]


SEGMENTS = st.sampled_from(["a", "b", "ab", "a.b", "*", "a*", "*.b", "?", "[ab]", "[!a]", "**", "\\a", " a", "a "])
PATTERNS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "!", "/", "!/"]),
    st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "", "/", "/**", "/*", "\\ "]),
    st.sampled_from(["", " ", "\r"]),
)
FILES = st.lists(st.sampled_from(["a", "b", "ab", "a.b", "b.b"]), min_size=1, max_size=4).map("/".join)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="git asks the file system whether names differ by case")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    top=st.lists(PATTERNS, max_size=5),
    nested=st.lists(PATTERNS, max_size=3),
    exclude=st.lists(PATTERNS, max_size=2),
    files=st.lists(FILES, min_size=6, max_size=20, unique=True),
)
def test_files_are_ignored_exactly_where_git_ignores_them(
    top: list[str], nested: list[str], exclude: list[str], files: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder))
        for name in ("objects", "refs/heads", "info"):
            (root / ".git" / name).mkdir(parents=True)
        write(root / ".git" / "HEAD", "ref: refs/heads/main\n")
        for file, patterns in ((".gitignore", top), ("a/.gitignore", nested), (".git/info/exclude", exclude)):
            write(root / file, "".join(f"{pattern}\n" for pattern in patterns))
        asked = [file for file in files if not (root / file).is_dir()]
        output = subprocess.run(
            ["git", "check-ignore", "--no-index", "-z", "--stdin"],
            cwd=root,
            input="\0".join(asked).encode(),
            capture_output=True,
            check=False,
        ).stdout.decode()
        by_git = {file for file in output.split("\0") if file}
        by_rung = {file for file in asked if ignored_by(root / file, root) is not None}
        assert by_rung == by_git
