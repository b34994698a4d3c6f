"""The Makefile and its scripts, from the command line, where what they need is not there."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what `make` reads, so that nothing happens to the tree the tests run in."""
    copy = tmp_path / "a tree"
    copy.mkdir()
    for name in ("Makefile", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, copy)
    for folder in ("scripts", "models"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH with the few programs that a bare system has; no compiler and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("make", "sh", "awk", "dirname", "rm", "env"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def test_make_alone_lists_the_targets(tree: Path, tools: Path) -> None:
    done = make(tree, tools)
    assert done.returncode == 0
    assert set(re.findall(r"^make ([a-z-]+) ", done.stdout, re.MULTILINE)) >= {"demo", "test", "lint", "install"}


def test_a_python_that_is_too_old_ends_in_a_sentence(tree: Path, tools: Path) -> None:
    script(tools / "python3", "exit 1")  # what running the version check on an old Python does
    script(tools / "python3.12", "echo 'stub: python3.12: command not found' >&2; exit 127")
    done = make(tree, tools, "install")
    assert done.returncode != 0
    assert "rung needs CPython 3.11 or later" in done.stderr
    assert "stub" not in done.stderr
    assert not (tree / ".venv").exists()


def test_the_newest_python_is_found_where_python3_is_too_old(tree: Path, tools: Path) -> None:
    script(tools / "python3", "exit 1")
    script(tools / "python3.13", f'exec "{sys.executable}" "$@"')
    done = run(tree, tools, "sh", "scripts/make-venv.sh", str(tree / ".venv"))
    assert done.returncode == 0, done.stderr
    assert (tree / ".venv" / "bin" / "python").exists()


def test_a_missing_compiler_ends_in_a_sentence_that_names_the_package(tree: Path, tools: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True, timeout=60)
    done = run(tree, tools, str(python), "scripts/install.py", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.returncode == 1
    assert "apt-get install build-essential" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_installer_refuses_a_python_that_is_no_virtual_environment(tree: Path, tools: Path) -> None:
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    done = run(tree, tools, str(base), "scripts/install.py")
    assert done.returncode == 1
    assert "make install" in done.stderr


@pytest.mark.parametrize("path", [".ci/run", "scripts/make-venv.sh", "scripts/get-llama-server.sh"])
def test_the_shell_scripts_are_executable_and_parse(path: str) -> None:
    assert (ROOT / path).stat().st_mode & stat.S_IXUSR
    interpreter = (ROOT / path).read_text(encoding="utf-8").splitlines()[0].removeprefix("#!").split()[-1]
    subprocess.run([Path(interpreter).name, "-n", str(ROOT / path)], check=True, timeout=10)


def make(tree: Path, tools: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    return run(tree, tools, "make", *targets)


def run(tree: Path, tools: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    keep = {name: value for name, value in os.environ.items() if name not in ("CXX", "CMAKE_ARGS", "PYTHON")}
    environment = {**keep, "PATH": str(tools), **settings}
    program = shutil.which(command[0], path=str(tools)) or command[0]
    return subprocess.run(
        [program, *command[1:]], cwd=tree, env=environment, capture_output=True, text=True, timeout=90
    )


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
