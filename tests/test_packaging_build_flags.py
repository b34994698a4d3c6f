import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models import build_info
from rung.models.build_info import AMX_OPTIONS, X86_OPTIONS, BuildInfo, Processor, cmake_options, unsupported

ROOT = Path(__file__).resolve().parents[1]

AVX2 = "sse4_2 avx f16c fma bmi2 avx2"
AVX512 = f"{AVX2} avx512f avx512cd avx512bw avx512dq avx512vl"
EPYC = f"{AVX512} avx512vbmi avx512_vnni avx512_bf16"
SAPPHIRE_RAPIDS = f"{EPYC} avx_vnni amx_tile amx_int8 amx_bf16"
GRAVITON = "fp asimd crc32 atomics fphp asimdhp asimdrdm asimddp sve i8mm"


def x86(features: str) -> Processor:
    return Processor("x86", "", frozenset(features.split()))


def arm(features: str) -> Processor:
    return Processor("arm", "", frozenset(features.split()))


def switched_on(options: list[str]) -> set[str]:
    return {option.removeprefix("-DGGML_").removesuffix("=ON") for option in options if option.endswith("=ON")}


AVX2_NAMES = {"SSE42", "AVX", "F16C", "FMA", "BMI2", "AVX2"}
AVX512_NAMES = AVX2_NAMES | {"AVX512", "AVX512_VBMI", "AVX512_VNNI", "AVX512_BF16"}


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ("sse4_2 avx", {"SSE42", "AVX"}),
        (AVX2, AVX2_NAMES),
        (f"{AVX2} avx_vnni", AVX2_NAMES | {"AVX_VNNI"}),
        (EPYC, AVX512_NAMES),
        (SAPPHIRE_RAPIDS, AVX512_NAMES | {"AVX_VNNI"}),
        (f"{AVX2} avx512f avx512cd avx512vbmi", AVX2_NAMES),  # AVX-512 without what ggml means by it
    ],
)
def test_exactly_what_the_processor_reports_is_switched_on_and_amx_never(features: str, expected: set[str]) -> None:
    assert switched_on(cmake_options(x86(features))) == expected


def test_what_the_processor_lacks_is_switched_off_outright() -> None:
    options = cmake_options(x86("sse4_2"))
    assert options[0] == "-DGGML_NATIVE=OFF"
    assert "-DGGML_AVX2=OFF" in options  # on by default once GGML_NATIVE is off


def test_the_conservative_build_stops_at_avx2() -> None:
    assert switched_on(cmake_options(x86(SAPPHIRE_RAPIDS), conservative=True)) == AVX2_NAMES


@pytest.mark.parametrize(
    ("features", "arch"),
    [
        (GRAVITON, "armv8.2-a+dotprod+fp16+i8mm+sve"),
        ("fp asimd crc32 atomics fphp asimdhp asimdrdm asimddp", "armv8.2-a+dotprod+fp16"),
        ("fp asimd crc32", "armv8-a"),  # a Raspberry Pi 4
    ],
)
def test_an_arm_processor_is_named_by_its_architecture_and_extensions(features: str, arch: str) -> None:
    assert cmake_options(arm(features)) == ["-DGGML_NATIVE=OFF", f"-DGGML_CPU_ARM_ARCH={arch}"]


def test_an_unknown_processor_leaves_the_choice_to_llama_cpp() -> None:
    assert cmake_options(None) == []


known = sorted({feature for needs in [*X86_OPTIONS.values(), *AMX_OPTIONS.values()] for feature in needs})


@given(here=st.sets(st.sampled_from(known)), there=st.sets(st.sampled_from(known)), conservative=st.booleans())
def test_a_build_runs_where_it_was_chosen_and_elsewhere_only_if_nothing_is_missing(
    here: set[str], there: set[str], conservative: bool
) -> None:
    options = cmake_options(x86(" ".join(here)), conservative=conservative)
    assert unsupported(options, x86(" ".join(here))) == []
    runs_there = all(there.issuperset(X86_OPTIONS[f"GGML_{name}"]) for name in switched_on(options))
    assert (unsupported(options, x86(" ".join(there))) == []) == runs_there


def test_a_venv_moved_to_an_older_processor_is_noticed() -> None:
    assert unsupported(cmake_options(x86(SAPPHIRE_RAPIDS)), x86(EPYC)) == ["-DGGML_AVX_VNNI=ON"]
    moved = unsupported(cmake_options(arm(GRAVITON)), arm("asimd crc32 atomics asimdrdm"))
    assert moved == ["-DGGML_CPU_ARM_ARCH=armv8.2-a+dotprod+fp16+i8mm+sve"]


def test_the_last_word_on_an_option_counts_and_a_native_build_cannot_be_judged() -> None:
    options = cmake_options(x86(EPYC))
    assert unsupported([*options, "-DGGML_AVX512_BF16=OFF"], x86(EPYC.replace("avx512_bf16", ""))) == []
    assert unsupported([*options, "-DGGML_NATIVE=ON"], x86("")) == []
    assert unsupported(["-DGGML_AMX_INT8=ON"], x86(EPYC)) == ["-DGGML_AMX_INT8=ON"]


def test_only_what_all_cores_share_counts(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: Mixed\nflags\t\t: avx avx2 avx512f\n\nmodel name\t: Mixed\nflags\t\t: avx avx2\n")
    assert build_info.this_processor(cpuinfo) == Processor("x86", "Mixed", frozenset({"avx", "avx2"}))


@pytest.mark.parametrize("text", ["", "isa\t: rv64imafdc\n", "Features\t: half thumb neon vfpv4\n"])
def test_other_processors_are_unknown(tmp_path: Path, text: str) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert build_info.this_processor(tmp_path / "cpuinfo") is None


def test_the_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    info = BuildInfo("0.3.36", ("-DGGML_NATIVE=OFF", "-DGGML_CUDA=ON"), ("-DGGML_CUDA=ON",), "processor", "Größe")
    info.write(tmp_path / "record.json")
    assert build_info.read(tmp_path / "record.json") == info


@pytest.mark.parametrize("content", [None, "", "[]", "{}", json.dumps({"choice": "processor", "version": "1"})])
def test_a_record_that_is_missing_or_damaged_is_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "record.json").write_text(content)
    assert build_info.read(tmp_path / "record.json") is None


def test_the_users_own_options_come_last_and_so_win() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "build_flags.py")]
    environment = {**os.environ, "CMAKE_ARGS": '-DGGML_CUDA=ON "-DCMAKE_CXX_FLAGS=-O3 -g"'}
    printed = subprocess.run(script, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout
    options = shlex.split(printed)
    assert options[-2:] == ["-DGGML_CUDA=ON", "-DCMAKE_CXX_FLAGS=-O3 -g"]
    assert unsupported(options) == []
    assert not [option for option in options if "AMX" in option]


@pytest.mark.real
def test_the_llama_cpp_of_this_environment_decodes() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "check_llama.py")]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
