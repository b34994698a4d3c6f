"""scripts/install.py's choice of a llama.cpp, with real environments and a real pip.

llama-cpp-python is a stand-in here: a source distribution that builds in a moment, keeps the CMAKE_ARGS it was built
with, and dies in its check when they contain the text in the file `deadly`.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pip
import pytest

from rung.models import build_info

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.real

STAND_IN = {
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    "PKG-INFO": "Metadata-Version: 2.1\nName: llama-cpp-python\nVersion: 1.0\n",
    "backend.py": """
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "llama_cpp_python-1.0-py3-none-any.whl"
    info = "llama_cpp_python-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("llama_cpp/__init__.py", f"ARGS = {os.environ.get('CMAKE_ARGS')!r}")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: llama-cpp-python\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
""",
}
CHECK = """
import os, signal, sys
from pathlib import Path
import llama_cpp
deadly = (Path(__file__).parent / "deadly").read_text()
if deadly and deadly in llama_cpp.ARGS:
    os.kill(os.getpid(), signal.SIGILL)
"""


class Machine:
    """A tree with the scripts, one virtual environment and one cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scripts = folder / "scripts"
        self.venv = folder / "venv"
        for name in ("scripts", "models"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (self.scripts / "check_llama.py").write_text(CHECK)
        (folder / "index").mkdir()
        with tarfile.open(folder / "index" / "llama_cpp_python-1.0.tar.gz", "w:gz") as archive:
            for name, content in STAND_IN.items():
                member = tarfile.TarInfo(f"llama_cpp_python-1.0/{name}")
                member.size = len(content.encode())
                archive.addfile(member, io.BytesIO(content.encode()))
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.venv)], check=True, timeout=60)
        packages = next(self.venv.glob("lib/python*/site-packages"))
        (packages / "pip").symlink_to(Path(pip.__file__).parent)  # many times faster than ensurepip

    def reset(self) -> None:
        self.record.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "cache", ignore_errors=True)
        self.deadly("")

    @property
    def record(self) -> Path:
        return self.venv / "rung-build.json"

    def deadly(self, text: str) -> None:
        (self.scripts / "deadly").write_text(text)

    def install(self, cmake_args: str | None = None) -> subprocess.CompletedProcess[str]:
        keep = {name: value for name, value in os.environ.items() if name != "CMAKE_ARGS" and name[:4] != "PIP_"}
        environment = {**keep, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
        environment |= {"PIP_FIND_LINKS": str(self.folder / "index"), "XDG_CACHE_HOME": str(self.folder / "cache")}
        if cmake_args is not None:
            environment["CMAKE_ARGS"] = cmake_args
        script = "import sys; sys.path.insert(0, 'scripts'); import install; install.install_llama('1.0')"
        command = [str(self.venv / "bin" / "python"), "-c", script]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=90)


@pytest.fixture(scope="module")
def shared_machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def machine(shared_machine: Machine) -> Machine:
    shared_machine.reset()
    return shared_machine


def test_a_build_is_recorded_kept_and_not_made_twice(machine: Machine) -> None:
    first = machine.install()
    assert first.returncode == 0, first.stderr
    record = build_info.read(machine.record)
    assert record is not None
    assert record.user_args == ()
    again = machine.install()
    assert (again.returncode, again.stdout) == (0, "")
    machine.record.unlink()  # as in a new environment
    from_cache = machine.install()
    assert from_cache.returncode == 0, from_cache.stderr
    assert "Building" not in from_cache.stdout
    assert build_info.read(machine.record) == record


def test_a_build_that_dies_is_replaced_by_a_plainer_one_and_the_user_is_told(machine: Machine) -> None:
    processor = build_info.this_processor()
    chosen = build_info.cmake_options(processor)
    differing = set(chosen) - set(build_info.cmake_options(processor, conservative=True))
    if not differing:
        pytest.skip("this processor has nothing that the plainer build leaves out")
    machine.deadly(sorted(differing)[0])
    done = machine.install()
    assert done.returncode == 0, done.stderr
    assert "dies with SIGILL" in done.stdout
    record = build_info.read(machine.record)
    assert record is not None
    assert record.choice == "conservative"
    assert not differing & set(record.cmake_args)
    assert machine.install().stdout == ""


def test_a_build_that_dies_with_the_users_options_ends_in_a_sentence(machine: Machine) -> None:
    machine.deadly("GGML_NATIVE=ON")
    done = machine.install("-DGGML_NATIVE=ON")
    assert done.returncode != 0
    assert "CMAKE_ARGS=-DGGML_NATIVE=ON llama.cpp dies with SIGILL" in done.stderr
    assert not machine.record.exists()


def test_the_users_options_are_remembered_until_others_are_given(machine: Machine) -> None:
    assert machine.install("-DGGML_CUDA=ON").returncode == 0
    assert machine.install().stdout == ""
    record = build_info.read(machine.record)
    assert record is not None
    assert record.cmake_args[-1] == "-DGGML_CUDA=ON"
    assert "Building" in machine.install("").stdout
    record = build_info.read(machine.record)
    assert record is not None
    assert record.user_args == ()


def test_an_environment_moved_to_a_lesser_processor_is_rebuilt(machine: Machine) -> None:
    processor = build_info.this_processor()
    options = {**build_info.X86_OPTIONS, **build_info.AMX_OPTIONS}
    lacking = [name for name, needs in options.items() if processor and not processor.has(needs)]
    if processor is None or processor.architecture != "x86" or not lacking:
        pytest.skip("this processor has everything, or is not known")
    assert machine.install().returncode == 0
    record = json.loads(machine.record.read_text())
    machine.record.write_text(json.dumps({**record, "cmake_args": [*record["cmake_args"], f"-D{lacking[0]}=ON"]}))
    done = machine.install()
    assert f"built for another processor (-D{lacking[0]}=ON)" in done.stdout
    assert json.loads(machine.record.read_text()) == record
