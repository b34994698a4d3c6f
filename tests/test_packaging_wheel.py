"""Builds and installs rung from a copy of the tree, with the setuptools of this environment and no index."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("cascade", "models", "lsp")
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation", "--quiet")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree, and two files as somebody might add them: data in a folder without code, and a left-over .pyc."""
    tree = tmp_path_factory.mktemp("source")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in FILES:
        shutil.copy(ROOT / name, tree)
    (tree / "cascade" / "new_schemas").mkdir()
    (tree / "cascade" / "new_schemas" / "0001.sql").write_text("SELECT 1;\n")
    (tree / "cascade" / "left_over.pyc").write_bytes(b"")
    return tree


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


def test_a_wheel_holds_every_file_of_the_three_folders_and_nothing_else(source: Path, wheel: Path) -> None:
    assert code_in(wheel) == {f"rung/{name}" for name in files_below(source)}
    assert {f"rung/{folder}/py.typed" for folder in FOLDERS} <= code_in(wheel)


def test_a_wheel_from_the_source_distribution_is_the_same(source: Path, wheel: Path, tmp_path: Path) -> None:
    script = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run(sys.executable, "-c", script, str(tmp_path), cwd=source)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    again = build_wheel(next(path for path in tmp_path.iterdir() if path.is_dir()), tmp_path)
    assert code_in(again) == code_in(wheel)


def test_the_console_script_is_in_a_module_that_is_there(wheel: Path) -> None:
    scripts = ConfigParser()
    scripts.read_string(metadata(wheel, "entry_points.txt"))
    module, _, function = scripts["console_scripts"]["rung"].partition(":")
    path = module.replace(".", "/")
    assert code_in(wheel) & {f"{path}.py", f"{path}/__init__.py"}
    assert function == "main"


def test_torch_and_transformers_come_only_with_the_gpu_extra(wheel: Path) -> None:
    required = [line for line in metadata(wheel, "METADATA").splitlines() if line.startswith("Requires-Dist:")]
    heavy = [line for line in required if "torch" in line or "transformers" in line]
    assert len(heavy) == 2
    assert all('extra == "gpu"' in line for line in heavy)


def test_an_installed_wheel_is_imported_as_rung(wheel: Path, tmp_path: Path) -> None:
    python = fresh_environment(tmp_path)
    run(*PIP, f"--python={python}", "install", *OFFLINE, str(wheel))
    script = "import rung.cascade, rung.models, rung.lsp; print(rung.models.__file__)"
    assert Path(run(python, "-c", script, cwd=tmp_path).strip()).is_relative_to(tmp_path)


@pytest.mark.real
def test_in_the_strict_editable_install_a_type_checker_sees_new_code(source: Path, tmp_path: Path) -> None:
    python = fresh_environment(tmp_path)
    (source / "models" / "new_part").mkdir()
    (source / "models" / "new_part" / "number.py").write_text('NUMBER: int = "one"\n')
    run(*PIP, f"--python={python}", "install", *OFFLINE, "--config-settings=editable_mode=strict", "-e", str(source))
    script = "import rung.models.new_part.number as n; print(n.NUMBER)"
    assert run(python, "-c", script, cwd=tmp_path) == "one\n"
    command = [sys.executable, "-m", "mypy", f"--python-executable={python}", "-p", "rung.models.new_part"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert "number.py:1: error: Incompatible types" in checked.stdout, checked.stdout + checked.stderr


def build_wheel(tree: Path, target: Path) -> Path:
    run(*PIP, "wheel", *OFFLINE, f"--wheel-dir={target}", str(tree))
    return next(target.glob("rung-*.whl"))


def code_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(
            next(found for found in archive.namelist() if found.endswith(f".dist-info/{name}"))
        ).decode()


def files_below(tree: Path) -> set[str]:
    found = [path for folder in FOLDERS for path in (tree / folder).rglob("*")]
    return {path.relative_to(tree).as_posix() for path in found if path.is_file() and path.suffix != ".pyc"}


def fresh_environment(folder: Path) -> str:
    """A virtual environment that has what rung needs, after its own packages on the path, but not this one's rung."""
    run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    python = str(folder / "venv" / "bin" / "python")
    own = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(own, "needs.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
