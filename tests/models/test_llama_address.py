"""Who shares a worker with whom, and where."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from rung.models.llama import address as address_module
from rung.models.llama import owner
from rung.models.llama.address import find_address
from rung.models.llama.owner import CannotShare, runtime_folder
from rung.models.llama.settings import EngineSettings

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no local sockets")
SETTINGS = EngineSettings(context=2048)


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Instead of the user's runtime folder, and instead of /tmp, where tmp_path has its place already."""
    folder = Path(tempfile.mkdtemp(prefix="rung-test-"))
    for name in ("runtime", "tmp"):
        (folder / name).mkdir(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF")
    return path


def key(checkpoint: Path, settings: EngineSettings = SETTINGS) -> str:
    return find_address(checkpoint, settings).key


def test_one_file_by_whatever_name_is_one_worker(around: Path, checkpoint: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.gguf"
    link.symlink_to(checkpoint)
    (tmp_path / "x").mkdir()
    assert key(checkpoint) == key(link) == key(tmp_path / "x" / ".." / "small.gguf")


@pytest.mark.parametrize(
    "other",
    [
        EngineSettings(context=4096),
        EngineSettings(context=2048, threads=1),
        EngineSettings(context=2048, cache_mb=64),
        EngineSettings(context=2048, gpu_layers=0),
    ],
)
def test_other_settings_are_another_worker(around: Path, checkpoint: Path, other: EngineSettings) -> None:
    assert key(checkpoint) != key(checkpoint, other)


def test_a_changed_file_is_another_worker(around: Path, checkpoint: Path) -> None:
    before = key(checkpoint)
    os.utime(checkpoint, ns=(0, 0))
    changed = key(checkpoint)
    checkpoint.write_bytes(b"GGUF2")
    os.utime(checkpoint, ns=(0, 0))
    assert len({before, changed, key(checkpoint)}) == 3


@pytest.mark.parametrize("upgraded", ["rung", "llama-cpp-python"])
def test_after_an_upgrade_the_worker_from_before_is_not_found(
    around: Path, checkpoint: Path, upgraded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = key(checkpoint)
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "99" if name == upgraded else version(name))
    assert key(checkpoint) != before


def test_changed_code_of_the_same_version_is_another_worker(
    around: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "models" / "llama"
    shutil.copytree(Path(address_module.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(Path(address_module.__file__).parents[1] / "protocol.py", package.parent)
    monkeypatch.setattr(address_module, "__file__", str(package / "address.py"))
    before = key(checkpoint)
    with (package / "wire.py").open("a") as file:
        file.write("\n")
    assert key(checkpoint) != before


def test_the_folder_is_made_for_its_owner_only_whatever_the_umask(around: Path) -> None:
    old = os.umask(0)
    try:
        folder = runtime_folder()
    finally:
        os.umask(old)
    assert folder == around / "runtime" / "rung"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert runtime_folder() == folder


def test_without_a_runtime_folder_it_lies_among_the_temporary_files(
    around: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(around / "none"))
    assert runtime_folder() == around / "tmp" / f"rung-{os.geteuid()}"


def test_a_path_that_is_too_long_for_a_socket_is_not_taken(around: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = around / ("é" * 40)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    assert runtime_folder().parent == around / "tmp"


@pytest.mark.parametrize("trap", ["link", "file", "open folder", "foreign folder"])
def test_what_somebody_else_may_have_put_there_is_passed_by(around: Path, trap: str) -> None:
    for place in (around / "runtime" / "rung", around / "tmp" / f"rung-{os.geteuid()}"):
        if trap == "link":
            (around / "elsewhere").mkdir(0o700, exist_ok=True)
            place.symlink_to(around / "elsewhere")
        elif trap == "file":
            place.touch(0o600)
        else:
            place.mkdir(0o700)
            if trap == "open folder":
                place.chmod(0o770)
            elif os.geteuid() == 0:
                os.chown(place, 12345, 12345)
            else:
                pytest.skip("only root gives folders away")
        if place.parent.name == "runtime":
            assert runtime_folder().parent == around / "tmp"
            shutil.rmtree(runtime_folder())
    with pytest.raises(CannotShare, match="remove it"):
        runtime_folder()


def test_a_folder_that_others_may_swap_is_passed_by(around: Path) -> None:
    (around / "runtime").chmod(0o777)
    assert runtime_folder().parent == around / "tmp"
    (around / "runtime").chmod(0o1777)
    assert runtime_folder().parent == around / "runtime"


def test_on_windows_there_is_a_reason_not_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner.sys, "platform", "win32")
    with pytest.raises(CannotShare, match="Windows"):
        runtime_folder()
