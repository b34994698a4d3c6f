"""A walk through a tree leaves out exactly what the gate would not send."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.cascade.privacy import may_send
from rung.cascade.privacy.tree import Folder, project_folder

NAMES = ("a", "b", "a.py", "b.env", ".env")
PATTERNS = st.lists(
    st.sampled_from(
        ("a", "/a", "a/", "b/a", "**/b", "a/**", "*.py", "!a.py", "!a", "/b/*", "!b/a/", "b/**/a.py", "#", "", "!*.env")
    ),
    max_size=3,
)


@given(outer=PATTERNS, top=PATTERNS, inner=PATTERNS, never=PATTERNS, git=st.sampled_from(("", ".", "b", "..")))
@settings(max_examples=60, deadline=None)
def test_a_walk_finds_exactly_the_files_that_may_be_sent(
    outer: list[str], top: list[str], inner: list[str], never: list[str], git: str
) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made).resolve() / "around" / "project"
        files = [f"{name}.txt" if "." not in name else name for name in NAMES]
        places = [root / folder / file for folder in ("", "a", "b", "b/a", "b/b") for file in files]
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        for folder, patterns in ((root.parent, outer), (root, top), (root / "b", inner)):
            (folder / ".gitignore").write_text("\n".join(patterns))
        if git:
            (root / git / ".git").mkdir()
        allowed = {place for place in places if may_send(place, "", root, never) is None}
        assert set(walked(project_folder(root, tuple(never)))) & set(places) == allowed


def walked(folder: Folder | None) -> list[Path]:
    found: list[Path] = []
    for path in folder.path.iterdir() if folder is not None else ():
        assert folder is not None
        if not folder.leaves_out(path.name, path.is_dir()):
            found += walked(folder.folder(path.name)) if path.is_dir() else [path]
    return found


def test_a_project_in_an_ignored_folder_is_no_place_to_look(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / "build" / "project").mkdir(parents=True)
    assert project_folder(tmp_path / "build" / "project", ()) is None


@pytest.mark.parametrize("name", [".env", "id_rsa", ".git", ".ssh"])
def test_what_is_never_sent_is_not_entered(tmp_path: Path, name: str) -> None:
    folder = project_folder(tmp_path, ())
    assert folder is not None
    assert folder.leaves_out(name, is_folder=name in (".git", ".ssh"))
    assert not folder.leaves_out("module.py", is_folder=False)
