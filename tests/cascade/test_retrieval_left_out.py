"""What never enters the index, and what leaves it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.privacy.secret_hint import suspicious_lines
from rung.cascade.privacy.secret_text import find_secret
from rung.cascade.retrieval.reading import MAX_BYTES
from rung.cascade.retrieval.walking import Bounds, walk

from .retrieval_tree import Project, paths
from .test_privacy_secret_text import SECRETS

CODE = "def marked_function():\n    return marked_call()\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    code(project, "kept.py")
    return project


def code(project: Project, name: str) -> Path:
    """A file with CODE; the same text is never found twice, so each has a line of its own."""
    return project.write(name, f"{CODE}# {name}\n")


async def found(project: Project, never_send: tuple[str, ...] = ()) -> set[str]:
    """In a new repository, when its index is complete."""
    repository = await project.built(never_send)
    try:
        return await paths(repository, "marked_function marked_call", 30)
    finally:
        await repository.close()


def indexed(project: Project) -> set[str]:
    """The paths in the file of the index, with or without chunks."""
    connection = sqlite3.connect(project.index)
    try:
        return {path for (path,) in connection.execute("SELECT path FROM files")}
    finally:
        connection.close()


async def test_ignored_and_never_sent_files_are_not_in_the_index(project: Project) -> None:
    project.write(".gitignore", "build/\n*.gen.py\n!kept.gen.py\n")
    project.write("sub/.gitignore", "local.py\n")
    for name in ("build/a.py", "b.gen.py", "sub/local.py", ".env", "id_rsa", "private/x.py", ".git/hooks.py"):
        code(project, name)
    code(project, "kept.gen.py")
    code(project, "sub/build_it.py")
    assert await found(project, ("private/",)) == {"kept.py", "kept.gen.py", "sub/build_it.py"}
    assert indexed(project) == {"kept.py", "kept.gen.py", "sub/build_it.py", ".gitignore", "sub/.gitignore"}


async def test_the_patterns_of_a_repository_around_and_inside_the_project_count(tmp_path: Path) -> None:
    (tmp_path / ".git" / "info").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("/project/outer.py\n")
    (tmp_path / ".git" / "info" / "exclude").write_text("excluded.py\n")
    project = Project(tmp_path)
    for name in ("outer.py", "excluded.py", "kept.py", "inner/own.py", "inner/kept.py"):
        code(project, name)
    (project.root / "inner" / ".git").mkdir()
    project.write("inner/.gitignore", "own.py\n")
    assert await found(project) == {"kept.py", "inner/kept.py"}


async def test_a_file_leaves_the_index_when_a_pattern_is_added(project: Project) -> None:
    code(project, "secret/plans.py")
    assert await found(project) == {"kept.py", "secret/plans.py"}
    project.write(".gitignore", "secret\n")
    assert await found(project) == {"kept.py"}
    assert "secret/plans.py" not in indexed(project)


async def test_a_new_pattern_counts_before_the_index_is_refreshed(project: Project) -> None:
    code(project, "secret/plans.py")
    assert await found(project) == {"kept.py", "secret/plans.py"}
    repository = project.repository(("secret/",))
    assert await paths(repository, "marked_function") == {"kept.py"}
    await repository.close()


async def test_a_saved_gitignore_counts_when_the_call_returns(project: Project) -> None:
    code(project, "plans.py")
    repository = await project.built()
    await repository.saved(project.write(".gitignore", "plans.py\n"))
    assert await paths(repository, "marked_function") == {"kept.py"}
    assert "plans.py" not in indexed(project)
    await repository.close()


async def test_an_ignored_file_does_not_enter_by_being_saved_or_opened(project: Project) -> None:
    project.write(".gitignore", "*.local.py\n")
    repository = await project.built()
    for name in ("a.local.py", ".env"):
        path = code(project, name)
        repository.opened(path, path.read_text())
        await repository.saved(path)
    assert await paths(repository, "marked_function") == {"kept.py"}
    assert not indexed(project) & {"a.local.py", ".env"}
    await repository.close()


async def test_a_chunk_with_a_secret_is_not_in_the_index_and_its_neighbours_are(project: Project) -> None:
    filler = "".join(f"    marked_call({i})\n" for i in range(30))
    text = f"def before_it():\n{filler}\n\n{SECRETS['password']}\n\n\ndef after_it():\n{filler}"
    path = project.write("settings.py", text)
    repository = await project.built()
    assert await paths(repository, "before_it", 1) == await paths(repository, "after_it", 1) == {"settings.py"}
    repository.opened(path, text)
    assert await paths(repository, "hunter2") == set()
    await repository.close()
    assert b"hunter" + b"2" not in project.index.read_bytes()


@pytest.mark.parametrize("line", SECRETS.values(), ids=SECRETS.keys())
def test_every_kind_of_secret_is_in_a_suspicious_line(line: str) -> None:
    assert line in suspicious_lines(f"import os\n{line}\nx = 1")
    assert find_secret(suspicious_lines(f"import os\n{line}\nx = 1")) is not None


@given(st.text(st.sampled_from("aZ0 =\"'/:@-_sk.\n"), max_size=200))
def test_what_is_found_in_a_text_is_found_in_its_suspicious_lines(text: str) -> None:
    assert (find_secret(text) is None) == (find_secret(suspicious_lines(text)) is None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="FIFOs and modes of POSIX")
async def test_links_fifos_and_closed_files_and_folders_are_left_out(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "far.py").write_text(f"{CODE}# outside")
    (project.root / "out").symlink_to(outside)
    (project.root / "far.py").symlink_to(outside / "far.py")
    (project.root / "circle").symlink_to(project.root)
    os.mkfifo(project.root / "pipe.py")
    code(project, "closed.py").chmod(0)
    code(project, "closed/x.py").parent.chmod(0)
    kept = {"kept.py", "closed.py", "closed/x.py"} if os.geteuid() == 0 else {"kept.py"}
    try:
        assert await found(project) == kept
        repository = await project.built()
        for name in ("out/far.py", "far.py", "pipe.py", "circle/kept.py"):
            repository.opened(project.root / name, "")
            repository.closed(project.root / name)
            await repository.saved(project.root / name)
        assert await paths(repository, "marked_function") == kept
        await repository.close()
    finally:
        (project.root / "closed").chmod(0o700)


async def test_files_that_nobody_wrote_are_left_out(project: Project) -> None:
    project.write("huge.py", CODE * (MAX_BYTES // len(CODE) + 1))
    project.write("min.js", "marked_function();" * 500)
    project.write("made.py", "# Code generated by protoc. DO NOT EDIT.\n" + CODE)
    code(project, "poetry.lock")
    (project.root / "binary.py").write_bytes(CODE.encode() + b"\0")
    (project.root / "latin.py").write_bytes(CODE.encode() + "# Grüße\n".encode("latin-1"))
    (project.root / os.fsdecode(b"name\xff.py")).write_text(CODE)
    assert await found(project) == {"kept.py", "latin.py"}


async def test_a_file_that_became_huge_leaves_the_index(project: Project) -> None:
    repository = await project.built()
    await repository.saved(project.write("kept.py", CODE * (MAX_BYTES // len(CODE) + 1)))
    assert await paths(repository, "marked_function") == set()
    await repository.close()


def test_what_is_beyond_a_bound_is_left_out_and_said_once(project: Project) -> None:
    for i in range(20):
        code(project, f"deep/m{i}.py")
    said: list[str] = []
    assert len(list(walk(project.root, (), said.append, Bounds(files=5)))) == 5
    assert len(list(walk(project.root, (), said.append, Bounds(bytes=3 * (len(CODE) + 15))))) == 4
    assert len(said) == 2
    assert ".gitignore or never_send" in said[0]
    assert [found.path for found in walk(project.root, (), said.append, Bounds(depth=0))] == ["kept.py"]


def test_a_folder_with_unreadable_patterns_is_left_out_and_said(project: Project) -> None:
    code(project, "odd/x.py")
    project.write("odd/.gitignore", "#" * (2 * 1024 * 1024))
    said: list[str] = []
    assert [found.path for found in walk(project.root, (), said.append)] == ["kept.py"]
    assert len(said) == 1
    assert "odd" in said[0]
