"""How this environment's llama.cpp was built, and whether that build runs on this processor.

`make install` writes the record and rebuilds when it no longer fits; the doctor reads it. Only the standard library and
nothing of rung is imported: the scripts of `make install` load this file by its path, before rung is installed.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# What each of ggml's options lets the compiler emit, in the words of /proc/cpuinfo (ggml/src/ggml-cpu/CMakeLists.txt).
AVX512 = ("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl")
X86_OPTIONS = {
    "GGML_SSE42": ("sse4_2",),
    "GGML_AVX": ("avx",),
    "GGML_F16C": ("f16c",),
    "GGML_FMA": ("fma",),
    "GGML_BMI2": ("bmi2",),
    "GGML_AVX2": ("avx2",),
    "GGML_AVX_VNNI": ("avx_vnni",),
    "GGML_AVX512": AVX512,
    "GGML_AVX512_VBMI": (*AVX512, "avx512vbmi"),
    "GGML_AVX512_VNNI": (*AVX512, "avx512_vnni"),
    "GGML_AVX512_BF16": (*AVX512, "avx512_bf16"),
}
# Never chosen: a virtual machine may report AMX and fault on its first instruction. A user's CMAKE_ARGS may name it.
AMX_OPTIONS = {
    "GGML_AMX_TILE": ("amx_tile",),
    "GGML_AMX_INT8": ("amx_int8",),
    "GGML_AMX_BF16": ("amx_bf16",),
}
ARM_BASES = {"armv8.2-a": ("atomics", "crc32", "asimdrdm"), "armv8-a": ("asimd",)}
ARM_EXTENSIONS = {"dotprod": ("asimddp",), "fp16": ("fphp", "asimdhp"), "i8mm": ("i8mm",), "sve": ("sve",)}

Choice = Literal["processor", "conservative", "platform"]


@dataclass(frozen=True, slots=True)
class Processor:
    """What Linux says this processor can do: the instruction sets, by the names of /proc/cpuinfo."""

    architecture: Literal["x86", "arm"]
    name: str
    features: frozenset[str]

    def has(self, features: tuple[str, ...]) -> bool:
        return self.features.issuperset(features)


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """One build of llama.cpp. `user_args` is the part of `cmake_args` that came from the user's CMAKE_ARGS."""

    version: str  # of llama-cpp-python
    cmake_args: tuple[str, ...]
    user_args: tuple[str, ...]
    choice: Choice  # by the processor; conservative after a crash; platform: llama.cpp's own defaults
    processor: str  # where it was built, "" if not known

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n", encoding="utf-8")


def record_path() -> Path:
    return Path(sys.prefix) / "rung-build.json"


def read(path: Path | None = None) -> BuildInfo | None:
    """The record of this environment's build; None if there is none that can be read, so rung came another way."""
    try:
        raw = json.loads((path or record_path()).read_text(encoding="utf-8"))
        choice: Choice = raw["choice"]
        if choice not in ("processor", "conservative", "platform"):
            return None
        return BuildInfo(
            version=str(raw["version"]),
            cmake_args=tuple(str(arg) for arg in raw["cmake_args"]),
            user_args=tuple(str(arg) for arg in raw["user_args"]),
            choice=choice,
            processor=str(raw["processor"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def this_processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> Processor | None:
    """None where the instruction sets are not known: not Linux, or neither x86 nor 64-bit ARM."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in text.splitlines())]
    per_core = [frozenset(value.split()) for key, value in fields if key in ("flags", "Features")]
    if not per_core:
        return None
    features = frozenset.intersection(*per_core)  # a thread may run on any core
    name = next((value for key, value in fields if key == "model name"), "")
    if any(key == "flags" for key, _ in fields):
        return Processor("x86", name, features)
    return Processor("arm", name, features) if "asimd" in features else None


def cmake_options(processor: Processor | None, *, conservative: bool = False) -> list[str]:
    """ggml's options that this processor runs, each said outright: GGML_NATIVE=OFF alone would mean AVX2 everywhere.

    `conservative` leaves out what came after AVX2, for processors that report more than they, or their virtual machine,
    can do. Without a known processor llama.cpp decides (on macOS that gives Metal).
    """
    if processor is None:
        return ["-DGGML_NATIVE=OFF"] if conservative else []
    if processor.architecture == "arm":
        base = next((base for base, needs in ARM_BASES.items() if processor.has(needs)), "armv8-a")
        if conservative or base == "armv8-a":
            return ["-DGGML_NATIVE=OFF", "-DGGML_CPU_ARM_ARCH=armv8-a"]
        extensions = [name for name, needs in ARM_EXTENSIONS.items() if processor.has(needs)]
        return ["-DGGML_NATIVE=OFF", f"-DGGML_CPU_ARM_ARCH={'+'.join([base, *extensions])}"]
    options = ["-DGGML_NATIVE=OFF"]
    for option, needs in X86_OPTIONS.items():
        modern = option.startswith(("GGML_AVX512", "GGML_AVX_VNNI"))
        options.append(f"-D{option}={'ON' if processor.has(needs) and not (conservative and modern) else 'OFF'}")
    return options


def unsupported(flags: tuple[str, ...] | list[str], processor: Processor | None = None) -> list[str]:
    """Those of a build's CMake options that name instructions this processor (or the given one) does not have.

    Empty where that cannot be known: off Linux, or for a build with GGML_NATIVE=ON. The last word on an option counts.
    """
    processor = processor or this_processor()
    last = {option.removeprefix("-D"): value for option, _, value in (flag.partition("=") for flag in flags)}
    if processor is None or _is_on(last.get("GGML_NATIVE", "")):
        return []
    if processor.architecture == "arm":
        return _unsupported_arm(last.get("GGML_CPU_ARM_ARCH", ""), processor)
    needs = {**X86_OPTIONS, **AMX_OPTIONS}
    switched_on = [option for option, value in last.items() if option in needs and _is_on(value)]
    return [f"-D{option}=ON" for option in switched_on if not processor.has(needs[option])]


def _unsupported_arm(arch: str, processor: Processor) -> list[str]:
    base, *extensions = arch.split("+")
    runs = processor.has(ARM_BASES.get(base, ()))
    runs = runs and all(processor.has(ARM_EXTENSIONS.get(name, ())) for name in extensions)
    return [] if runs else [f"-DGGML_CPU_ARM_ARCH={arch}"]


def _is_on(value: str) -> bool:
    return value.upper() in ("ON", "1", "TRUE", "YES", "Y")
