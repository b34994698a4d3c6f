"""Several processes on one index, killed at any time."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from rung.cascade.retrieval.order import Order
from rung.cascade.retrieval.places import UNUSED_S, forget_unused, index_file
from rung.cascade.retrieval.schema import check

from .retrieval_tree import Project, paths, until

FILES = 120


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    for i in range(FILES):
        project.write(f"m{i}.py", "".join(f"def function_{i}_{j}():\n    return {j}\n\n\n" for j in range(20)))
    return project


async def building(project: Project) -> Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "rung.cascade.retrieval.building"), stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    process.stdin.write(Order(str(project.root.resolve()), (), str(project.index)).pack())
    await process.stdin.drain()
    return process


def files_in(index: Path) -> int:
    if not index.exists():
        return 0
    connection = sqlite3.connect(f"file:{index}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM files").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # not made yet
    finally:
        connection.close()


@pytest.mark.parametrize("files", [0, 1, 60])
async def test_killed_at_any_time_the_index_stays_usable_and_the_next_build_completes_it(
    project: Project, files: int
) -> None:
    process = await building(project)
    await until(lambda: files_in(project.index) >= files)
    process.kill()
    await process.wait()
    before = files_in(project.index)
    repository = project.repository()
    await paths(repository, "function_1_1")
    assert files_in(project.index) >= before
    await repository.start()
    await project.ended()
    check(project.index)
    assert files_in(project.index) == FILES
    assert await paths(repository, f"function_{FILES - 1}_3", 1) == {f"m{FILES - 1}.py"}
    assert project.notes == []
    await repository.close()


async def test_the_building_process_ends_with_its_parent(project: Project) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from rung.cascade.retrieval import Repository\n"
        "async def main():\n"
        "    told = lambda progress: print(progress, flush=True)\n"
        "    repository = Repository(Path(sys.argv[1]), (), told, Path(sys.argv[2]))\n"
        "    await repository.start(); await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(project.root), str(project.index), stdout=PIPE
    )
    await until(lambda: files_in(project.index) > 0)
    (child,) = children(parent.pid)
    parent.kill()
    await parent.wait()
    await until(lambda: has_ended(child))


def children(pid: int) -> list[int]:
    if not Path("/proc/self/task").exists():
        pytest.skip("tells the children of a process by /proc")
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def has_ended(pid: int) -> bool:
    """A zombie has: nobody but its parent could have fetched its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_a_building_process_that_is_killed_is_started_once_more(project: Project) -> None:
    repository = project.repository()
    await repository.start()
    await until(lambda: files_in(project.index) > 0)
    (child,) = children(os.getpid())
    os.kill(child, signal.SIGKILL)
    await project.ended()
    assert files_in(project.index) == FILES
    await repository.close()


async def test_a_second_server_sees_what_the_first_builds_and_changes(project: Project) -> None:
    first, second = project.repository(), project.repository()
    await asyncio.gather(first.start(), second.start())
    await project.ended()
    await project.ended()
    assert await paths(second, "function_7_3", 1) == await paths(first, "function_7_3", 1) == {"m7.py"}
    await asyncio.gather(
        first.saved(project.write("m7.py", "def from_first():\n    pass\n")),
        second.saved(project.write("m8.py", "def from_second():\n    pass\n")),
    )
    assert await paths(second, "from_first", 1) == {"m7.py"}
    assert await paths(first, "from_second", 1) == {"m8.py"}
    await asyncio.gather(first.close(), second.close())
    check(project.index)


async def test_a_search_while_it_is_built_gives_what_is_there(project: Project) -> None:
    repository = project.repository()
    assert await paths(repository, "function_0_1") == set()
    await repository.start()
    await until(lambda: files_in(project.index) > 0)
    assert await paths(repository, "function")
    await repository.close()


@pytest.mark.parametrize("damage", ["text", "cut", "middle", "empty tables"])
async def test_a_damaged_index_is_built_anew(project: Project, damage: str) -> None:
    repository = await project.started()
    await repository.close()
    damaged(project.index, damage)
    again = project.repository()
    await again.start()
    await project.ended()
    for i in (0, 60, FILES - 1):
        if await paths(again, f"function_{i}_3", 1) != {f"m{i}.py"}:
            await project.ended()  # the damage was found by this search, and is repaired now
        assert await paths(again, f"function_{i}_3", 1) == {f"m{i}.py"}
    await again.close()
    check(project.index)
    assert project.notes == []


def damaged(index: Path, how: str) -> None:
    if how == "text":
        index.write_text("no database\n" * 1000)
    elif how == "cut":
        os.truncate(index, index.stat().st_size // 2)
    elif how == "middle":
        with index.open("r+b") as file:
            file.seek(index.stat().st_size // 4)
            file.write(os.urandom(index.stat().st_size // 2))
    else:
        index.unlink()
        connection = sqlite3.connect(index)
        connection.execute("CREATE TABLE files (of_another_version)")
        connection.close()


async def test_an_index_that_is_deleted_meanwhile_is_made_again(project: Project) -> None:
    repository = await project.started()
    project.index.unlink()
    assert await paths(repository, "function_7_3") == set()
    await repository.start()
    await project.ended()
    assert await paths(repository, "function_7_3", 1) == {"m7.py"}
    await repository.close()


async def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    project.index = tmp_path / "file" / "index.db"
    repository = project.repository()
    await repository.start()
    assert await paths(repository, "function") == set()
    await until(lambda: len(project.notes) > 1)
    assert all("index.db" in note or "file" in note for note in project.notes)
    await repository.close()


def test_each_project_has_a_file_of_its_own_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUNG_INDEX_DIR", str(tmp_path))
    assert index_file(Path("/a/project")).parent == tmp_path
    assert index_file(Path("/a/project")) != index_file(Path("/another/project"))


def test_an_index_that_nobody_used_for_two_months_is_deleted(tmp_path: Path) -> None:
    for name in ("a-1.db", "b-1.db", "b-1.db-wal", "other.txt"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (0, 0))
    forget_unused(tmp_path / "a-1.db")
    assert {path.name for path in tmp_path.iterdir()} == {"a-1.db", "other.txt"}
    assert UNUSED_S > 30 * 24 * 3600


def test_nothing_that_only_a_model_needs_is_loaded_by_the_building_process() -> None:
    code = "import sys, rung.cascade.retrieval.building; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert {"numpy", "llama_cpp", "httpx", "pygls"} & set(done.stdout.split()) == set()
