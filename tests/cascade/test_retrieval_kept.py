"""Retrieved code stays at the beginning of the prompt while the cursor stays near."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.kept import Kept, KeptRetriever
from rung.cascade.retrieval.query import Query
from rung.cascade.task import Rejected, Task, TaskKind

LINES = [f"value_{number} = compute({number})" for number in range(600)]


@dataclass
class Searches:
    """Finds another chunk each time."""

    queries: list[Query] = field(default_factory=list)

    async def search(self, query: Query, limit: int) -> tuple[Chunk, ...]:
        self.queries.append(query)
        return (Chunk("other.py", len(self.queries), "x"),)


def at(line: int, typed: str = "", path: str = "/p/a.py") -> Task:
    before, after = "\n".join([*LINES[:line], typed]), "\n".join(["", *LINES[line:]])
    return Task(TaskKind.LINE, before, after, path=Path(path))


def kept() -> tuple[KeptRetriever, Searches]:
    searches = Searches()
    return KeptRetriever(searches, Path("/p")), searches


async def test_while_the_user_types_the_same_chunks_are_given_and_nothing_is_searched() -> None:
    retriever, searches = kept()
    first = await retriever.retrieve(at(300))
    for typed in ("v", "va", "value = f(", "value = f(1)"):
        assert await retriever.retrieve(at(300, typed)) == first
    assert await retriever.retrieve(at(305)) == first
    assert (len(searches.queries), retriever.drifted(at(305))) == (1, False)


async def test_a_cursor_that_moves_on_keeps_them_until_others_are_adopted() -> None:
    retriever, _ = kept()
    first = await retriever.retrieve(at(300))
    assert retriever.drifted(at(350))
    assert await retriever.retrieve(at(350)) == first
    chunks = await retriever.fresh(at(350))
    retriever.adopt(at(350), chunks)
    assert await retriever.retrieve(at(352)) == chunks != first
    assert not retriever.drifted(at(352))


async def test_a_cursor_that_jumps_gets_others_at_once_and_so_does_another_file() -> None:
    retriever, searches = kept()
    first = await retriever.retrieve(at(10))
    assert await retriever.retrieve(at(500)) != first
    assert await retriever.retrieve(at(10, path="/p/b.py")) != first
    assert [query.path for query in searches.queries] == ["a.py", "a.py", "b.py"]


async def test_who_types_is_given_what_is_kept_and_nothing_is_searched_meanwhile() -> None:
    retriever, searches = kept()
    typing = Kept(retriever)
    assert (await typing.retrieve(at(10)), retriever.drifted(at(10)), searches.queries) == ((), True, [])
    chunks = await retriever.fresh(at(10))
    retriever.adopt(at(10), chunks)
    assert (await typing.retrieve(at(10)), retriever.drifted(at(10))) == (chunks, False)
    assert (await typing.retrieve(at(500)), retriever.drifted(at(500))) == (chunks, True)
    assert len(searches.queries) == 1


async def test_who_has_rejected_a_text_waits_for_other_code() -> None:
    retriever, searches = kept()
    rejected = replace(at(300), rejected=Rejected("small", "load(path)", 0.7))
    assert await Kept(retriever).retrieve_again(rejected)
    assert searches.queries[0].second == "load(path)"


async def test_an_edit_of_the_lines_above_is_no_jump() -> None:
    retriever, _ = kept()
    first = await retriever.retrieve(at(300))
    task = at(300)
    edited = replace(task, prefix=task.prefix.replace("value_299", "other"))
    assert await retriever.retrieve(edited) == first


async def test_what_was_rejected_is_searched_with_and_not_kept() -> None:
    retriever, searches = kept()
    first = await retriever.retrieve(at(300))
    again = await retriever.retrieve_again(replace(at(300), rejected=Rejected("small", "load(path)", 0.7)))
    assert again != first
    assert (searches.queries[1].second, searches.queries[1].confidence) == ("load(path)", 0.7)
    assert await retriever.retrieve(at(300)) == first


async def test_code_found_with_a_rejected_text_is_never_kept_for_the_texts_that_follow() -> None:
    rejected = replace(at(300), rejected=Rejected("small", "load(path)", 0.7))
    retriever, searches = kept()
    await retriever.retrieve(rejected)
    await retriever.fresh(rejected)
    assert [(query.second, query.confidence) for query in searches.queries] == [("", 0.0), ("", 0.0)]


async def test_a_file_outside_of_the_project_has_no_path_in_it() -> None:
    retriever, searches = kept()
    await retriever.retrieve(at(3, path="/elsewhere/a.py"))
    assert searches.queries[0].path is None


async def test_where_nothing_was_found_yet_it_is_looked_for_again_in_the_background() -> None:
    retriever, _ = kept()
    retriever.adopt(at(300), ())
    assert (await retriever.retrieve(at(300)), retriever.drifted(at(300))) == ((), True)
