"""Pinned packages of the package index: the source trees of `rung bench lines`.

pip downloads them, so that the user's own index, proxy and certificates are used, and checks their hashes. The wheels
stay in the user's cache folder, and are checked again whenever they are unpacked.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import platformdirs

from rung.cascade.bench.data import DataMissing
from rung.cascade.bench.lines.tree import Tree


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel of pure Python. sha256: of the file, hexadecimal."""

    name: str
    version: str
    wheel: str
    sha256: str


def _package(name: str, version: str, sha256: str, tags: str = "py3-none-any") -> Package:
    return Package(name, version, f"{name.replace('-', '_')}-{version}-{tags}.whl", sha256)


# Of different kinds, and none that rung's defaults were chosen with.
PACKAGES = (
    _package("celery", "5.7.0", "18310a9c919f9029e4735367484d93e6a25cdfd30afdc474622cc263d9b35f6e"),
    _package("django", "5.2.19", "5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00"),
    _package("marshmallow", "4.4.0", "03a882ff2eabb9a4e24b433c2949f359ef4d172a12fdc14cde10375fd55328b4"),
    _package("networkx", "3.6.1", "d47fbf302e7d9cbbb9e2555a0d267983d2aa476bac30e90dfbe5669bd57f3762"),
    _package("nltk", "3.10.4", "769ba5413f265b7d3e87cd163cc28efa01e29eeef8bb6080bc907949d9fcfb51"),
    _package(
        "openpyxl", "3.1.5", "5282c12b107bffeef825f4617dc029afaf41d0ea60823bbb665ef3079dc79de2", "py2.py3-none-any"
    ),
    _package("paramiko", "5.1.0", "d9fe6d67a9d0bbf3eb85b051d26ab850b678c02d060f32915b944e5ca6d0d9e1"),
    _package("prompt-toolkit", "3.0.53", "01c0891d7f9237d5e339f7d3e42cdae80b7534abb1c7c0e3352efba6231492f2"),
    _package("pylint", "4.1.4", "b39fcc762ec4a7fe385d01b8e170fd996847297cdc0e3850bdda1435c74cfd95"),
    _package("pypdf", "7.1.0", "47cca6b24bdcf4c4d65b5f7b8b972535c61710a061261e737688777cfd9a7bfb"),
    _package("scrapy", "2.19.0", "44c1ad4b008f1976e946c75b2adce0e448cbfe470c584b1b59469abf270e8013"),
    _package("trio", "0.35.0", "9a062a029487c1bdbcc1b2543b729a0bde857ce478b1512c84f391f628e0c5c9"),
)

_PIP = (
    "-P",  # a pip.py in the folder where the user is must not run
    "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-input", "--quiet",
    "--disable-pip-version-check",
)  # fmt: skip
_DOWNLOAD_S = 600.0
_MOST_MEMBERS = 20_000
_LARGEST_MEMBER = 4_000_000  # bytes
_CHUNK = 1 << 20


def fetch(packages: Sequence[Package] = PACKAGES, folder: Path | None = None) -> list[Path]:
    """The wheels, of which those that are not in the cache are downloaded first. folder: the cache.

    Raises DataMissing.
    """
    folder = folder or platformdirs.user_cache_path("rung", appauthor=False) / "packages"
    missing = [package for package in packages if not _is_whole(folder / package.wheel, package.sha256)]
    if missing:
        _download(missing, folder)
    return [folder / package.wheel for package in packages]


def unpack_all(into: Path) -> list[Tree]:
    """The pinned packages, downloaded where they are not here, each below `into`. Raises DataMissing."""
    return [unpack(package, wheel, into) for package, wheel in zip(PACKAGES, fetch(), strict=True)]


def unpack(package: Package, wheel: Path, into: Path) -> Tree:
    """The Python files of a wheel in a folder of their own below `into`. Raises DataMissing."""
    root = into / package.name
    if not _is_whole(wheel, package.sha256):
        raise DataMissing(f"{wheel} is gone or was changed: start again, and it is downloaded anew.")
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [member for member in archive.infolist() if _is_source(member)]
            if len(members) > _MOST_MEMBERS:
                raise DataMissing(f"{wheel} has more than {_MOST_MEMBERS:,} Python files.")
            for member in members:
                target = root / PurePosixPath(member.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as content, target.open("xb") as file:
                    file.write(content.read(_LARGEST_MEMBER))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, FileExistsError) as error:
        raise DataMissing(f"{wheel} cannot be unpacked ({error}).") from None
    return Tree(package.name, root)


def _is_source(member: zipfile.ZipInfo) -> bool:
    """A plain Python file that stays below the folder it is unpacked into."""
    path = PurePosixPath(member.filename)
    inside = not path.is_absolute() and ".." not in path.parts and "\\" not in member.filename
    # a drive letter is no part of a module's name either
    return inside and ":" not in member.filename and path.suffix == ".py" and member.file_size <= _LARGEST_MEMBER


def _download(packages: Sequence[Package], folder: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise DataMissing(
            f"{sys.executable} has no pip, as in environments that uv makes: install it there, with "
            "`uv pip install pip` or `python -m ensurepip`; or name your own source trees with --tree."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        wanted = Path(scratch, "wanted.txt")
        lines = (f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n" for package in packages)
        wanted.write_text("".join(lines), encoding="utf-8")
        said = _pip("--dest", scratch, "--requirement", str(wanted))
        for package in packages:
            wheel = Path(scratch, package.wheel)
            if not _is_whole(wheel, package.sha256):
                raise DataMissing(
                    f"pip could not download {package.name}=={package.version}{said}: see that the package index can "
                    "be reached, or name your own source trees with --tree."
                )
            shutil.move(wheel, folder / package.wheel)


def _pip(*arguments: str) -> str:
    """What it said last of an error, for a sentence; empty where it did not."""
    command = [sys.executable, *_PIP, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_DOWNLOAD_S, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f" within {_DOWNLOAD_S:.0f} seconds"
    said = done.stderr.decode("utf-8", "replace").splitlines()
    errors = [line.removeprefix("ERROR:").strip() for line in said if line.startswith("ERROR:")]
    text = "".join(character for character in errors[-1] if character.isprintable())[:120] if errors else ""
    return f" ({text.rstrip('.')})" if text else ""


def _is_whole(wheel: Path, sha256: str) -> bool:
    digest = hashlib.sha256()
    try:
        with wheel.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest() == sha256
