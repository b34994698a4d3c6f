"""Brings the virtual environment that runs this script up to date; does nothing, quickly, when it is.

    .venv/bin/python scripts/install.py [demo] [dev] [editors] [gpu]

Two parts: a llama.cpp that runs on this processor, and rung itself, editable, with the extras that are named.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import build_flags
import llama_wheel
from build_flags import ROOT, build_info

FOLDERS = ("cascade", "models", "lsp")
STATE = Path(sys.prefix) / "rung-install.json"
CHECK_SECONDS = 120


def main() -> None:
    parser = argparse.ArgumentParser(description="Bring this virtual environment up to date.")
    parser.add_argument("extras", nargs="*", metavar="EXTRA", help="demo, dev, editors or gpu")
    extras = parser.parse_args().extras
    if sys.prefix == sys.base_prefix:
        sys.exit("scripts/install.py changes the environment it runs in: run `make install`, which makes .venv for it.")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    with (Path(sys.prefix) / "rung-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once
        try:
            install_llama(tested_version(project["project"]["dependencies"], llama_wheel.PACKAGE))
            install_rung(project, set(extras))
        except llama_wheel.BuildFailed as failure:
            sys.exit(str(failure))
        except OSError as failure:  # no space, no right to write
            sys.exit(f"{sys.prefix} could not be brought up to date: {failure}")
        except KeyboardInterrupt:
            sys.exit("Interrupted. Run make again to go on.")


def tested_version(requirements: list[str], package: str) -> str:
    """The lowest version of it that pyproject.toml allows: what rung is tested with."""
    for requirement in requirements:
        if found := re.match(rf"{package}\s*>=\s*([\w.]+)", requirement):
            return found[1]
    sys.exit(f"pyproject.toml names no `{package}>=VERSION` among its dependencies.")


def install_llama(version: str) -> None:
    """Keeps the build that is there if it runs here and nothing else was asked for. Raises BuildFailed."""
    record = build_info.read()
    asked = build_flags.user_options() if "CMAKE_ARGS" in os.environ else list(record.user_args) if record else []
    if record and record.version == version == installed_version() and list(record.user_args) == asked:
        unsupported = build_info.unsupported(record.cmake_args)
        if not unsupported:
            return
        print(f"The llama.cpp in {sys.prefix} was built for another processor ({' '.join(unsupported)}).", flush=True)
    build_info.record_path().unlink(missing_ok=True)
    processor = build_info.this_processor()
    choice = "processor" if processor else "platform"
    options = [*build_flags.chosen_options(), *asked]
    if death := put_llama(version, options):
        if asked:
            raise llama_wheel.BuildFailed(f"With CMAKE_ARGS={shlex.join(asked)} llama.cpp dies with {death} here.")
        print(f"This llama.cpp dies with {death} in its first decode; a plainer build takes its place.", flush=True)
        choice, options = "conservative", build_flags.chosen_options(conservative=True)
        if death := put_llama(version, options):
            raise llama_wheel.BuildFailed(f"The plainest build of llama.cpp, too, dies with {death} on this machine.")
    name = processor.name if processor else ""
    build_info.BuildInfo(version, tuple(options), tuple(asked), choice, name).write(build_info.record_path())


def put_llama(version: str, options: list[str]) -> str | None:
    """Installs llama-cpp-python with these options; the name of the signal that kills it, None if it runs."""
    wheel = llama_wheel.cached(version, options)
    status, output = try_wheel(wheel) if wheel else (1, "")
    if status > 0:  # none there, or one that was built beside other system libraries
        if wheel:
            llama_wheel.forget(wheel)
        print(f"Building llama.cpp for this machine, once, 3 to 10 minutes: {shlex.join(options)}", flush=True)
        status, output = try_wheel(llama_wheel.build(version, options))
    if status > 0:
        raise llama_wheel.BuildFailed(f"{output}\nllama.cpp was built, but does not decode here; its words are above.")
    return signal.Signals(-status).name if status < 0 else None


def try_wheel(wheel: Path) -> tuple[int, str]:
    if installed_version():  # perhaps the same version, built otherwise
        pip_install("--force-reinstall", "--no-deps", str(wheel))
    pip_install(str(wheel))
    return check_llama()


def check_llama() -> tuple[int, str]:
    """Exit status, negative for a signal, and the end of what was printed."""
    command = [sys.executable, str(ROOT / "scripts" / "check_llama.py")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=CHECK_SECONDS)
    except subprocess.TimeoutExpired:
        return 1, f"No answer within {CHECK_SECONDS} s."
    return done.returncode, "\n".join((done.stdout + done.stderr).splitlines()[-20:])


def install_rung(project: dict[str, dict[str, list[str]]], extras: set[str]) -> None:
    """Editable and strict, so that type checkers see the packages; that is a tree of links, made anew for new files."""
    wanted = {"requirements": digest(json.dumps(project)), "files": digest("\n".join(installed_files()))}
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        state = {}
    known = set(state.get("extras", []))
    complete = state.get("requirements") == wanted["requirements"] and extras <= known
    linked = any((ROOT / "build").glob("__editable__.rung-*/rung"))
    if complete and linked and state.get("files") == wanted["files"]:
        return
    STATE.unlink(missing_ok=True)
    extras |= known
    editable = ["--no-build-isolation", "--config-settings=editable_mode=strict", "--editable"]
    if complete:
        pip_install("--no-deps", *editable, str(ROOT))
    else:
        named = f"[{','.join(sorted(extras))}]" if extras else ""
        print(f"Installing rung{named} and what it needs.", flush=True)
        pip_install(*project["build-system"]["requires"])
        if "gpu" in extras:  # by itself: a newer one may be built for other hardware than the one that is at hand
            pip_install(f"torch=={tested_version(project['project']['optional-dependencies']['gpu'], 'torch')}")
        pip_install(*editable, f"{ROOT}{named}")
    STATE.write_text(json.dumps({**wanted, "extras": sorted(extras)}), encoding="utf-8")


def installed_files() -> list[str]:
    """What the links depend on: where the tree lies, and the names of its files, not their content."""
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.suffix != ".pyc"]
    names = sorted(str(file.relative_to(ROOT)) for file in files if file.is_file() and not file.name.startswith("."))
    return [str(ROOT), sys.version, digest((ROOT / "setup.py").read_text(encoding="utf-8")), *names]


def installed_version() -> str | None:
    try:
        return metadata.version(llama_wheel.PACKAGE)
    except metadata.PackageNotFoundError:
        return None


def pip_install(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *arguments]
    if subprocess.run(command).returncode != 0:
        sys.exit(f"`pip install {shlex.join(arguments)}` failed; its own words are above.")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
