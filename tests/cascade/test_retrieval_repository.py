"""What is found in a project, with real files, a real index and the real building process."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval import Query, Repository

from .retrieval_tree import Project, paths

PARSER = 'def parse_invoice(text):\n    """Reads it."""\n    return InvoiceReader(text).read_all()\n'
OTHER = "def unrelated():\n    return something_else()\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
async def repository(project: Project) -> AsyncIterator[Repository]:
    project.write("billing/parser.py", PARSER)
    project.write("other.py", OTHER)
    repository = await project.built()
    yield repository
    await repository.close()


async def test_code_that_shares_identifiers_with_the_cursor_is_found_first(repository: Repository) -> None:
    found = await repository.search(Query("rows = InvoiceReader(", "", "main.py", (100, 100)), 5)
    assert found == (Chunk("billing/parser.py", 1, PARSER.rstrip("\n")),)


async def test_words_of_identifiers_are_found_in_any_spelling(repository: Repository) -> None:
    assert await paths(repository, "invoice_reader") == {"billing/parser.py"}


async def test_the_text_after_the_cursor_counts_too(repository: Repository) -> None:
    assert (await repository.search(Query("", "unrelated()\n", None, (0, 0)), 5))[0].path == "other.py"


async def test_the_small_models_text_finds_what_the_cursor_does_not(repository: Repository) -> None:
    query = Query("x = ", "", None, (0, 0), second="something_else()", confidence=0.4)
    assert [chunk.path for chunk in await repository.search(query, 5)] == ["other.py"]


async def test_what_the_prompt_holds_anyway_is_left_out(repository: Repository) -> None:
    seen = await repository.search(Query(PARSER, "", "billing/parser.py", (1_000, 0)), 5)
    unseen = await repository.search(Query(PARSER, "", "billing/parser.py", (0, 0)), 5)
    assert [chunk.path for chunk in seen] == ["other.py"]
    assert [chunk.path for chunk in unseen] == ["billing/parser.py", "other.py"]


async def test_progress_is_told_until_the_index_is_complete(project: Project, repository: Repository) -> None:
    assert project.progress[-1].ended
    assert (project.progress[-1].files, project.progress[-1].of) == (2, 2)
    assert project.notes == []


async def test_a_saved_file_is_found_when_the_call_returns(project: Project, repository: Repository) -> None:
    await repository.saved(project.write("other.py", "def brand_new():\n    pass\n"))
    assert await paths(repository, "brand_new") == {"other.py"}
    assert await paths(repository, "something_else") == set()


async def test_an_edit_far_above_moves_the_chunks_below_it(project: Project, repository: Repository) -> None:
    body = "".join(f"def part_{i}():\n    first_{i}()\n    second_{i}()\n\n\n" for i in range(20))
    path = project.write("long.py", body)
    await repository.saved(path)
    before = await repository.search(Query("second_19", "", None, (0, 0)), 1)
    path.write_text("import added\n" + body, encoding="utf-8")
    await repository.saved(path)
    after = await repository.search(Query("second_19", "", None, (0, 0)), 1)
    line = (path.read_text().split("\n").index(after[0].text.split("\n")[0])) + 1
    assert "second_19" in before[0].text
    assert "second_19" in after[0].text
    assert after[0].first_line == line


async def test_a_deleted_file_and_folder_are_not_found(project: Project, repository: Repository) -> None:
    (project.root / "other.py").unlink()
    await repository.saved(project.root / "other.py")
    assert await paths(repository, "something_else") == set()
    (project.root / "billing" / "parser.py").unlink()
    (project.root / "billing").rmdir()
    await repository.saved(project.root / "billing")
    assert await paths(repository, "InvoiceReader") == set()


async def test_a_renamed_folder_is_found_under_its_new_name(project: Project, repository: Repository) -> None:
    (project.root / "billing").rename(project.root / "accounts")
    await asyncio.gather(*(repository.saved(project.root / name) for name in ("billing", "accounts")))
    assert await paths(repository, "InvoiceReader") == {"accounts/parser.py"}


async def test_many_files_at_once_are_found_when_the_calls_return(project: Project, repository: Repository) -> None:
    written = [project.write(f"many/m{i}.py", f"def checked_out_{i}():\n    pass\n") for i in range(50)]
    await asyncio.gather(*(repository.saved(path) for path in written))
    assert await paths(repository, "checked_out_7", 1) == {"many/m7.py"}
    assert len(await paths(repository, "checked_out", 10)) == 10


async def test_an_open_document_counts_as_it_is_now(project: Project, repository: Repository) -> None:
    path = project.root / "other.py"
    repository.opened(path, "def typed_here():\n    pass\n")
    assert await paths(repository, "typed_here something_else") == {"other.py"}
    assert await paths(repository, "something_else") == set()
    repository.edited(path, lambda: "def typed_there():\n    pass\n", 1)
    assert await paths(repository, "typed_there") == {"other.py"}
    repository.closed(path)
    assert await paths(repository, "typed_there") == set()
    assert await paths(repository, "something_else") == {"other.py"}


async def test_the_text_of_a_document_is_asked_for_by_a_search_not_by_a_keystroke(
    project: Project, repository: Repository
) -> None:
    asked: list[int] = []
    for keystroke in range(100):
        repository.edited(project.root / "other.py", lambda: asked.append(keystroke) or "", 1)  # noqa: B023
    assert asked == []
    await paths(repository, "anything")
    assert asked == [99]


async def test_a_document_opened_without_text_hides_its_file(project: Project, repository: Repository) -> None:
    repository.opened(project.root / "billing" / "parser.py", "")
    assert await paths(repository, "InvoiceReader") == set()


async def test_what_was_edited_last_comes_before_the_same_code_elsewhere(
    project: Project, repository: Repository
) -> None:
    for name in ("a.py", "b.py", "c.py"):
        await repository.saved(project.write(name, f"{name[0]}_own = same_call(argument)\n"))
    path = project.root / "b.py"
    repository.edited(path, lambda: path.read_text(encoding="utf-8"), 1)
    assert (await repository.search(Query("same_call(", "", None, (0, 0)), 3))[0].path == "b.py"


async def test_documents_outside_of_the_project_are_no_part_of_it(repository: Repository, tmp_path: Path) -> None:
    repository.opened(tmp_path / "elsewhere.py", "def outside():\n    pass\n")
    await repository.saved(tmp_path / "elsewhere.py")
    assert await paths(repository, "outside") == set()


async def test_a_second_start_reads_only_what_changed(project: Project, repository: Repository) -> None:
    await repository.close()
    (project.root / "other.py").write_text("def changed_meanwhile():\n    pass\n", encoding="utf-8")
    (project.root / "billing" / "parser.py").unlink()
    project.write("new.py", "def new_meanwhile():\n    pass\n")
    again = await project.built()
    assert await paths(again, "changed_meanwhile something_else") == {"other.py", "new.py"}
    assert await paths(again, "InvoiceReader") == set()
    assert await paths(again, "new_meanwhile", 1) == {"new.py"}
    await again.close()


async def test_after_closing_nothing_is_left(project: Project) -> None:
    for i in range(300):
        project.write(f"m{i}.py", PARSER * 20)
    threads = set(threading.enumerate())
    repository = project.repository()
    await repository.start()
    await paths(repository, "InvoiceReader")
    await repository.close()
    await repository.close()
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)
    assert set(threading.enumerate()) - threads == set()
    assert await paths(repository, "InvoiceReader") == set()
    await repository.saved(project.root / "m1.py")


async def test_a_cancelled_search_loses_no_document(project: Project, repository: Repository) -> None:
    repository.opened(project.root / "other.py", "def noted():\n    pass\n")
    search = asyncio.create_task(paths(repository, "whatever"))
    await asyncio.sleep(0)
    search.cancel()
    assert await paths(repository, "noted") == {"other.py"}


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
async def test_only_the_owner_reads_the_index(project: Project, repository: Repository) -> None:
    assert project.index.parent.stat().st_mode & 0o777 == 0o700
    files = list(project.index.parent.glob("project.db*"))
    assert {path.stat().st_mode & 0o077 for path in files if path.suffix != ".lock"} == {0}
