"""The CMake options with which llama.cpp runs on this processor, as one line for CMAKE_ARGS.

    CMAKE_ARGS="$(python3 scripts/build_flags.py)" pip install rung

A plain build takes what the processor reports, and a virtual machine that reports AMX without allowing it kills the
first decode. Options in the user's own CMAKE_ARGS come last and so win.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent

# Options younger than some compilers that still build llama.cpp (GCC 9 knows neither).
COMPILER_FLAGS = {"GGML_AVX_VNNI": "-mavxvnni", "GGML_AVX512_BF16": "-mavx512bf16"}


def load_build_info() -> ModuleType:
    """models/build_info.py by its path: these scripts run before rung can be imported."""
    spec = importlib.util.spec_from_file_location("rung_build_info", ROOT / "models" / "build_info.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


build_info = load_build_info()


def chosen_options(*, conservative: bool = False) -> list[str]:
    """Options for this processor that this compiler knows; not yet the user's own."""
    options: list[str] = build_info.cmake_options(build_info.this_processor(), conservative=conservative)
    return [_off_if_unknown(option) for option in options]


def user_options(environment: Mapping[str, str] = os.environ) -> list[str]:
    return shlex.split(environment.get("CMAKE_ARGS", ""))


def compiler(environment: Mapping[str, str] = os.environ) -> str | None:
    """The C++ compiler that CMake will find, or None."""
    command = shlex.split(environment.get("CXX", ""))
    candidates = command[:1] or ["c++", "g++", "clang++"]
    return next((path for name in candidates if (path := shutil.which(name))), None)


def _off_if_unknown(option: str) -> str:
    name = option.removeprefix("-D").removesuffix("=ON")
    flag = COMPILER_FLAGS.get(name)
    cxx = compiler()
    if flag is None or cxx is None or not option.endswith("=ON"):
        return option
    probe = [cxx, flag, "-x", "c++", "-fsyntax-only", os.devnull]
    known = subprocess.run(probe, capture_output=True, timeout=60).returncode == 0
    return option if known else f"-D{name}=OFF"


if __name__ == "__main__":
    print(shlex.join([*chosen_options(), *user_options()]))
