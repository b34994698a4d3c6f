"""Wheels of llama-cpp-python built here, kept so that the next virtual environment does not build again.

pip's own cache does not know the CMake options a wheel was built with, and a home folder may be shared by machines with
different processors, so rung keeps its own: one folder for each version, set of options, Python, platform and compiler
setting.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import build_flags

PACKAGE = "llama-cpp-python"
COMPILER_SETTINGS = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS", "SKBUILD_CMAKE_ARGS")
# The bindings' vision library: imported only by chat formats that rung does not use.
LEFT_OUT = "-DLLAVA_BUILD=OFF"


class BuildFailed(Exception):
    """One or more sentences for the user."""


def cached(version: str, options: list[str]) -> Path | None:
    return next(_folder(version, options).glob("*.whl"), None)


def forget(wheel: Path) -> None:
    shutil.rmtree(wheel.parent)


def build(version: str, options: list[str]) -> Path:
    """Builds the wheel from source with all cores and keeps it. Minutes. Raises BuildFailed."""
    if build_flags.compiler() is None:
        raise BuildFailed(
            "rung builds llama.cpp and needs a C++ compiler; none of $CXX, c++, g++ and clang++ is there. Install one "
            "(Debian, Ubuntu: apt-get install build-essential; macOS: xcode-select --install) and run make again."
        )
    folder = _folder(version, options)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        built = Path(scratch) / "wheel"
        started = time.monotonic()
        _pip_wheel(version, options, built)
        print(f"Built llama.cpp in {time.monotonic() - started:.0f} s.", flush=True)
        (built / "key.json").write_text(json.dumps(_key(version, options), indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        built.replace(folder)  # whole or not at all, whoever else builds the same
    return next(folder.glob("*.whl"))


def _pip_wheel(version: str, options: list[str], target: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--verbose", "--no-deps", f"--wheel-dir={target}"]
    command += [f"--no-binary={PACKAGE}", "--no-cache-dir", f"{PACKAGE}=={version}"]  # pip's cache ignores the options
    environment = {**os.environ, "CMAKE_ARGS": shlex.join([LEFT_OUT, *options])}
    environment.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(_cores()))
    log = Path(sys.prefix) / "llama-build.log"
    with log.open("wb") as output:
        status = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT).returncode
    if status != 0 or not any(target.glob("*.whl")):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line[:300] for line in lines if "error" in line.lower()]
        raise BuildFailed("\n".join([*errors[:20], f"llama.cpp did not build. The whole output is in {log}."]))


def _folder(version: str, options: list[str]) -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(json.dumps(_key(version, options), sort_keys=True).encode()).hexdigest()
    return caches / "rung" / "wheels" / f"llama_cpp_python-{version}-{digest[:16]}"


def _key(version: str, options: list[str]) -> dict[str, object]:
    return {
        "version": version,
        "options": [LEFT_OUT, *options],
        "python": sys.implementation.cache_tag,
        "platform": [sysconfig.get_platform(), *platform.libc_ver()],
        "compiler": {name: os.environ[name] for name in COMPILER_SETTINGS if name in os.environ},
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
