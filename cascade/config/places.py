"""Where configuration lies."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_config_path, user_data_path

PROJECT_FILE = ".rung.yaml"
ROOT_MARKS = (".git", "pyproject.toml")


def user_file() -> Path:
    """`RUNG_CONFIG`, else config.yaml in the user's configuration folder; it need not exist."""
    named = os.environ.get("RUNG_CONFIG")
    return Path(named).expanduser().absolute() if named else user_config_path("rung") / "config.yaml"


def trust_folder() -> Path:
    return user_data_path("rung") / "trust"


def project_of(path: Path) -> tuple[Path | None, Path | None]:
    """(root, project file) of a file or folder, which need not exist.

    The nearest folder at or above it that holds a .rung.yaml, else the nearest with .git or pyproject.toml.
    """
    start = Path(os.path.realpath(path))
    folders = [start, *start.parents] if start.is_dir() else list(start.parents)
    for folder in folders:
        if os.path.lexists(folder / PROJECT_FILE):  # a broken link is there too, and is refused later
            return folder, folder / PROJECT_FILE
    for folder in folders:
        if any(os.path.lexists(folder / mark) for mark in ROOT_MARKS):
            return folder, None
    return None, None


def user_file_is_named() -> bool:
    """Whether `RUNG_CONFIG` says where the user's file is."""
    return bool(os.environ.get("RUNG_CONFIG"))
