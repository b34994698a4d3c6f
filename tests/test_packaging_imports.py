"""What may import what, read from the source of every file, so that an import inside a function counts too."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("cascade", "models", "lsp")
MAY_IMPORT = {
    "cascade": (
        "rung.cascade",
        "rung.models.protocol",
        "rung.models.price",
        "rung.models.lexer",
        "rung.models.statement",
    ),
    "models": ("rung.models",),
    "lsp": ("rung.lsp", "rung.cascade", "rung.models"),
}
GPU_ONLY = {"torch", "transformers"}
PART_OF = {
    "cattrs": "pygls",
    "lsprotocol": "pygls",
    "pydantic_core": "pydantic",
    "markupsafe": "jinja2",
}  # in a declared package's interface


def imports(path: Path) -> Iterator[str]:
    """Absolute module names; `from rung.models import price` counts as rung.models.price."""
    package = ["rung", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_below(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in allowed)


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_only_the_parts_of_rung_that_it_may(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(folder)
        for name in imports(path)
        if is_below(name, ("rung",)) and not is_below(name, MAY_IMPORT[folder])
    ]
    assert wrong == []


def test_the_folders_are_imported_only_under_rung() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in FOLDERS
        for path in files(folder)
        for name in imports(path)
        if is_below(name, FOLDERS)
    ]
    assert wrong == []


def test_torch_and_transformers_are_imported_below_models_server_only() -> None:
    users = {
        path.relative_to(ROOT)
        for folder in FOLDERS
        for path in files(folder)
        if GPU_ONLY & {name.partition(".")[0] for name in imports(path)}
    }
    assert users
    assert all(user.parts[:2] == ("models", "server") for user in users)


def test_every_imported_package_is_declared_in_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = project["dependencies"] + extras["gpu"] + extras["tune"]
    declared = set(map(distribution, requirements))
    distributions = packages_distributions()
    undeclared = {
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in FOLDERS
        for path in files(folder)
        for name in {name.partition(".")[0] for name in imports(path)} - {"rung", *sys.stdlib_module_names}
        if declared.isdisjoint(map(normalized, [name, PART_OF.get(name, name), *distributions.get(name, [])]))
    }
    assert undeclared == set()


def distribution(requirement: str) -> str:
    return normalized(re.split(r"[\s<>=~!\[;]", requirement)[0])


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_starting_rung_loads_nothing_that_only_an_extra_or_a_model_needs() -> None:
    """The language server is one of its commands, and stays as small as it is; a plain install has no extras."""
    code = "import sys, rung.lsp.cli.main; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert "rung.lsp.cli.tune" in loaded
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    plain = {"rung", *map(distribution, project["dependencies"])}
    extras = {distribution(each) for extra in project["optional-dependencies"].values() for each in extra} - plain
    distributions = packages_distributions()
    assert {name for name in loaded if extras & set(map(normalized, distributions.get(name, [])))} == set()
    assert loaded & {"numpy", "llama_cpp"} == set()
