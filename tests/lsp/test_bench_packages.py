"""Pinned packages: downloaded by pip, checked, and unpacked where they belong."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from rung.cascade.bench.data import DataMissing
from rung.lsp.bench.packages import PACKAGES, Package, fetch, unpack

_USED_FOR_TUNING = {"httpx", "rich", "attrs", "click", "starlette"}
_METADATA = "Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which pip looks for wheels, and nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def made_up(folder: Path, members: dict[str, str]) -> Package:
    wheel = folder / "made_up-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {
            **members,
            "made_up-1.0.dist-info/METADATA": _METADATA,
            "made_up-1.0.dist-info/WHEEL": _WHEEL,
            "made_up-1.0.dist-info/RECORD": "",
        }.items():
            archive.writestr(name, content)
    return Package("made-up", "1.0", wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest())


def test_the_pinned_packages_are_many_and_were_not_used_for_tuning() -> None:
    assert len({package.name for package in PACKAGES}) == len(PACKAGES) >= 10
    assert not _USED_FOR_TUNING & {package.name for package in PACKAGES}
    assert all(len(bytes.fromhex(package.sha256)) == 32 for package in PACKAGES)
    assert all(package.wheel.endswith("none-any.whl") for package in PACKAGES)


def test_a_wheel_is_downloaded_once_and_then_taken_from_the_cache(index: Path, tmp_path: Path) -> None:
    package = made_up(index, {"made_up/a.py": "x = 1\n", "made_up/data.bin": "no source"})
    cache = tmp_path / "cache"
    (wheel,) = fetch([package], cache)
    assert [path.name for path in cache.iterdir()] == [package.wheel]
    (index / package.wheel).unlink()
    assert fetch([package], cache) == [wheel]
    tree = unpack(package, wheel, tmp_path / "trees")
    assert [path.relative_to(tree.root).as_posix() for path in tree.root.rglob("*.*")] == ["made_up/a.py"]
    assert tree.name == "made-up"


def test_a_wheel_that_was_changed_in_the_cache_is_downloaded_anew(index: Path, tmp_path: Path) -> None:
    package = made_up(index, {"a.py": "x = 1\n"})
    (wheel,) = fetch([package], tmp_path / "cache")
    wheel.write_bytes(b"something else")
    with pytest.raises(DataMissing, match="was changed"):
        unpack(package, wheel, tmp_path / "trees")
    assert fetch([package], tmp_path / "cache") == [wheel]
    assert unpack(package, wheel, tmp_path / "trees").root.joinpath("a.py").read_text() == "x = 1\n"


def test_an_index_without_the_package_or_with_another_file_is_told_in_a_sentence(index: Path, tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"pip could not download made-up==1.0 .* name your own source trees"):
        fetch([Package("made-up", "1.0", "made_up-1.0-py3-none-any.whl", "0" * 64)], tmp_path / "cache")
    package = made_up(index, {"a.py": ""})
    other = Package(package.name, package.version, package.wheel, "0" * 64)
    with pytest.raises(DataMissing, match="pip could not download made-up") as told:
        fetch([other], tmp_path / "cache")
    assert "\n" not in str(told.value)
    assert not list((tmp_path / "cache").iterdir())


def test_nothing_is_written_outside_of_the_folder(index: Path, tmp_path: Path) -> None:
    hostile = {"../outside.py": "x", "/absolute.py": "x", "a/../../b.py": "x", "c\\..\\..\\d.py": "x", "C:e.py": "x"}
    package = made_up(index, {**hostile, "fine.py": "x = 1\n"})
    unpack(package, index / package.wheel, tmp_path / "deep" / "trees")
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != index]
    assert [path.relative_to(tmp_path).as_posix() for path in written] == ["deep/trees/made-up/fine.py"]


def test_a_wheel_that_is_no_archive_is_told(tmp_path: Path) -> None:
    wheel = tmp_path / "made_up-1.0-py3-none-any.whl"
    wheel.write_bytes(b"PK no")
    package = Package("made-up", "1.0", wheel.name, hashlib.sha256(b"PK no").hexdigest())
    with pytest.raises(DataMissing, match="cannot be unpacked"):
        unpack(package, wheel, tmp_path / "trees")
