"""`rung bench keystrokes`: the replay, llama.vim's rules, and a short real run."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.bench.typing.figures import Spent
from rung.cascade.bench.typing.keys import Key, KeyKind, Typed
from rung.cascade.bench.typing.page import Page
from rung.cascade.bench.typing.pauses import Published
from rung.cascade.bench.typing.screen import Screen
from rung.cascade.bench.typing.stretch import Stretch
from rung.lsp.bench.keystrokes.chat_typing import keys_in
from rung.lsp.bench.keystrokes.peer import LlamaVim
from rung.lsp.bench.keystrokes.peer_cache import AnswerCache
from rung.lsp.bench.keystrokes.peer_context import Context, context_at
from rung.lsp.bench.keystrokes.peer_hint import hint
from rung.lsp.bench.keystrokes.peer_ring import Chunk, Ring, similarity
from rung.lsp.bench.keystrokes.peer_server import PeerServer
from rung.lsp.bench.keystrokes.processor import processor_s, share_over
from rung.lsp.bench.keystrokes.project_copy import ProjectCopy
from rung.lsp.bench.keystrokes.replay import pauses_of, replay
from rung.lsp.bench.keystrokes.rung_side import spent_in
from rung.lsp.bench.keystrokes.side import Watch
from rung.models.bench.setup import Setup
from rung.models.bench.tools import find_llama_server
from rung.models.bench.work import BenchFailed, ContestantMissing

STRETCH = Stretch(Path("tree"), "a.py", "x = 1\n", Typed("def f(a):\n    return a", "", "    "), "\n", ())
LIMIT_S = 20.0


class Scripted:
    """A tool that shows a text whenever it may, at once."""

    name = "scripted"
    pids = ()

    def __init__(self, offer: str) -> None:
        self.offer = offer
        self.taken: list[str] = []
        self.asked: list[str] = []

    async def open(self, stretch: Stretch, page: Page, screen: Screen, watch: Watch) -> None:
        self.screen, self.watch = screen, watch

    def acted(self, key: Key, page: Page) -> None:
        self.asked.append(page.before)
        self.screen.typed(key)
        if not self.screen.offer:
            self.screen.show(self.offer, asyncio.get_running_loop().time())
        self.watch.answered(self.offer, from_memory=True)

    def accepted(self, text: str, page: Page) -> None:
        self.taken.append(text)
        self.screen.offer = ""

    async def leave(self) -> Spent:
        return Spent(None, None, None)


async def test_what_is_right_is_accepted_after_the_reaction_and_the_rest_is_typed() -> None:
    pauses = {place: 0.0 for place, _ in STRETCH.typed.all_keys()}
    pauses[next(place for place in pauses if place.done == 3)] = 2.0
    side = Scripted(" f(a):\n    return b")
    found = await replay(side, STRETCH, pauses, lambda: None)
    assert side.taken == [" f(a):"]
    assert (found.accepts, found.written, found.characters) == (1, 6, len("def f(a):\nreturn a"))
    assert found.keys == 3 + len("\nreturn a")
    assert 0.25 < found.seconds < 1.9
    assert all(act.answered_s is not None and act.shown_s is not None for act in found.acts[:2])


async def test_both_tools_are_asked_the_same_keys_at_the_same_times_where_nothing_is_accepted() -> None:
    pauses = pauses_of(STRETCH, Published(), 3)
    assert pauses == pauses_of(STRETCH, Published(), 3)
    quick = dict.fromkeys(pauses, 0.0)
    one, other = Scripted("wrong"), Scripted("")
    for side in (one, other):
        await replay(side, STRETCH, quick, lambda: None)
    assert one.asked == other.asked
    assert one.asked[-1] == STRETCH.head + STRETCH.typed.text


def test_a_copy_holds_what_stands_around_the_stretches_and_no_settings(tmp_path: Path) -> None:
    tree, copies = tmp_path / "tree", tmp_path / "copies"
    tree.mkdir()
    (tree / "a.py").write_text("x = 1\ndef f(a):\n    return a\n")
    (tree / ".rung.yaml").write_text("enabled: false\n")
    stretch = Stretch(tree, "a.py", STRETCH.head, STRETCH.typed, STRETCH.tail, ())
    folder = ProjectCopy(copies, [stretch]).folder(tree)
    assert (folder / "a.py").read_text() == "x = 1\n\n"
    assert "return a" in (tree / "a.py").read_text()
    assert sorted(path.name for path in folder.iterdir()) == [".git", "a.py"]
    with pytest.raises(BenchFailed, match="cannot be copied"):
        ProjectCopy(copies, [stretch])


def test_pauses_of_the_corpus_are_those_between_keys_of_one_message() -> None:
    times = ["2018-09-21 07:14:16.829", "2018-09-21 07:14:17.254", "2018-09-21 07:14:17.527", "2018-09-21 07:14:18.000"]

    def row(content: str, at: int, kind: str = "0", message: str = "1") -> dict[str, str]:
        return {
            "content": content,
            "event_for_message_type": kind,
            "key_time": times[at],
            "message_id": message,
            "username": "user001",
        }

    assert [round(key[3], 3) for key in keys_in([row("B", 0), row("BO", 1), row("BON", 2)])] == [0.425, 0.273]
    assert list(keys_in([row("B", 0), row("BO", 1, message="2")])) == []
    assert list(keys_in([row("B", 0), row("", 1, kind="4"), row("BO", 2)])) == []
    assert list(keys_in([row("BO", 0), row("B", 1), row("Bonjour", 2)])) == []


def test_the_tokens_of_a_worker_that_projects_share_are_counted_once() -> None:
    def project(worker: int | None, tokens: dict[str, int] | None) -> dict[str, object]:
        return {"answers": {"memory": 2, "models": 1}, "ladder": [{"worker": worker, "tokens": tokens}]}

    known = {"evaluated": 5, "generated": 3}
    assert spent_in([project(7, known), project(7, known), project(None, None)]) == Spent(5, 3, 6)
    assert spent_in([project(7, None)]) == Spent(None, None, 2)
    assert Spent(9, None, 6).since(Spent(5, 3, 2)) == Spent(4, None, 4)


def test_the_context_is_asked_for_from_the_beginning_of_a_line_of_blanks() -> None:
    context = context_at("a\n    b\n      ", "\nc\nd")
    assert (context.prefix, context.middle, context.suffix, context.indent) == ("a\n    b\n", "", "\nc\nd\n", 0)
    context = context_at("a\n    b", "\nc")
    assert (context.prefix, context.middle, context.indent) == ("a\n", "    b", 4)
    assert len(context_at("\n".join(map(str, range(999))), "\n" * 999).prefix.split("\n")) == 257


def test_the_context_of_an_offer_is_as_if_it_was_accepted() -> None:
    assert context_at("a\nb = ", "\nd", ["1 + 2"], 4) == Context("a\n", "b = 1 + 2", "\nd\n", 4)
    assert context_at("a\nb(", "\nd", ["1,", "  2,", "  3)"]) == Context("a\nb(1,\n  2,\n", "  3)", "\nd\n", 0)


def test_an_answer_is_found_again_when_up_to_three_lines_have_scrolled_out_above() -> None:
    lines = [f"line {number}\n" for number in range(300)]
    cache = AnswerCache()
    cache.insert(context_at("".join(lines[:257]) + "x = ", "\n").keys, "1\ny = 2\nz = 3\n")
    assert cache.find(context_at("".join(lines[:257]) + "x = 1\ny", "\n")) == " = 2\nz = 3\n"
    assert cache.find(context_at("".join(lines[:257]) + "x = 2", "\n")) is None


@given(st.text("ab\n", max_size=140), st.integers(0, 140))
def test_what_was_answered_is_typed_through_for_128_characters(answer: str, typed: int) -> None:
    cache = AnswerCache()
    cache.insert(context_at("x = ", "").keys, answer + "c")
    context = context_at("x = " + answer[:typed], "")
    if min(typed, len(answer)) <= 128 and context.middle:
        assert cache.find(context) == answer[typed:] + "c"


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    cache = AnswerCache()
    for number in range(250):
        cache.insert([Context("", f"{number};", "", 0).key], "a")
    assert cache.find(Context("", "0;", "", 0)) == "a"
    cache.insert(["another"], "a")
    assert cache.find(Context("", "0;", "", 0)) == "a"
    assert cache.find(Context("", "1;", "", 0)) is None


def test_a_hint_is_what_does_not_stand_below_already() -> None:
    assert hint("1\n2\n\n", "x = ", ["y"]) == "1\n2"
    assert hint("      a\nb", "    ", []) == "  a\nb"
    assert hint("\n\n", "x", []) == hint("", "x", []) == hint("  \n ", "x", []) == ""
    assert hint("\nnext\nnext but one", "x", ["next", "next but one"]) == ""
    assert hint("b", "a", ["", "ab"]) == ""
    assert hint("b\nc", "a", ["ab", "cd"]) == ""
    assert hint("b\nc\nd", "a", ["ab", "c", "d"]) == ""
    assert hint("b\nx\nd", "a", ["ab", "c", "d"]) == "b\nx\nd"


def test_the_ring_takes_no_chunk_twice_and_drops_what_is_like_the_lines_here() -> None:
    ring = Ring(1)
    words = [[f"{letter}{number}" for number in range(40)] for letter in "abc"]
    for lines in (*words, words[0], words[0][:2]):
        ring.pick(lines, evict=False)
    assert ring.queued == [tuple(lines) for lines in words]
    ring.pick([*words[0], "new"], evict=True)
    assert ring.queued == [tuple(words[1]), tuple(words[2]), (*words[0], "new")]
    assert ring.promote()
    ring.leave_out(words[1])
    assert ring.chunks == []
    long = [f"d{number}" for number in range(200)]
    ring.pick(long, evict=False)
    assert len(ring.queued[-1]) == 33
    assert similarity(["a b"], ["b c"]) == 0.5


class ScriptedServer(PeerServer):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[Context] = asyncio.Queue()
        self.answers: asyncio.Queue[str] = asyncio.Queue()

    async def ask(self, context: Context, chunks: Sequence[Chunk], predict_ms: int) -> str:
        self.asked.put_nowait(context)
        return await self.answers.get()


async def asked(server: ScriptedServer) -> str:
    """The text before the cursor of the next request."""
    context = await asyncio.wait_for(server.asked.get(), LIMIT_S)
    return context.prefix + context.middle


async def test_one_request_at_a_time_and_an_answer_is_asked_ahead_as_if_it_was_accepted() -> None:
    server, page, screen, watch = ScriptedServer(), Page("x = ", ""), Screen(), Watch()
    vim = LlamaVim(server, page, screen, watch, Ring(1), AnswerCache())
    try:
        watch.act()
        vim.moved()
        assert await asked(server) == "x = "
        page.press(Key(KeyKind.WITHIN, 0, "1"))
        watch.act()
        vim.moved()
        assert server.asked.empty()
        server.answers.put_nowait("12 + 3")
        assert await asked(server) == "x = 12 + 3"
        assert screen.offer == "2 + 3"
        assert [act.from_memory for act in watch.acts] == [False, False]
        page.press(Key(KeyKind.WITHIN, 0, "2"))
        watch.act()
        vim.moved()
        assert (screen.offer, vim.hits, watch.acts[-1].from_memory) == (" + 3", 1, True)
        server.answers.put_nowait("")
        assert await asked(server) == "x = 12"
        server.answers.put_nowait(" + 3")
    finally:
        await vim.close()
    assert server.asked.empty()


async def test_a_server_that_fails_ends_the_measurement() -> None:
    class Failing(ScriptedServer):
        async def ask(self, context: Context, chunks: Sequence[Chunk], predict_ms: int) -> str:
            raise BenchFailed("llama-server failed.")

    watch = Watch()
    vim = LlamaVim(Failing(), Page("x", ""), Screen(), watch, Ring(1), AnswerCache())
    watch.act()
    vim.moved()
    with pytest.raises(BenchFailed, match="llama-server failed"):
        await vim.close()


@pytest.mark.skipif(sys.platform != "linux", reason="times are read from /proc")
async def test_processor_time_is_that_of_a_process_and_all_below_it() -> None:
    assert processor_s([]) == 0
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", busy, start_new_session=True)
    try:
        share = await share_over([process.pid], 1.0)
        assert share is not None
        assert share > 0.01
    finally:
        os.killpg(process.pid, 9)
        await process.wait()


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from rung.lsp.cli import main; main()", "bench", "keystrokes", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One function of a few keys, whose second line stands above already."""
    (tmp_path / "tree").mkdir()
    body = "".join(f"def f{number}(p):\n    return p\n\n\n" for number in range(4))
    (tmp_path / "tree" / "a.py").write_text(f"import os\n\n\n{body}def f9(p):\n    return p\n")
    return tmp_path / "tree"


@pytest.mark.real
def test_a_short_real_run_types_the_same_beside_both(smollm2: Path, tree: Path, tmp_path: Path) -> None:
    """Beside rung alone where there is no llama-server."""
    file = tmp_path / "keys.json"
    size = ("--stretches=1", "--keys=24", "--requests=5", "--idle=0.5", "--threads=2")
    ended = bench(f"--tree={tree}", f"--checkpoint={smollm2}", "--pauses=published", *size, f"--json={file}")
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    found = json.loads(file.read_text())
    assert [one["tool"] for one in found["tools"]] == ["rung", "llama.vim's way"][: 1 + (not found["notes"])]
    assert len({one["characters"] for one in found["tools"]}) == 1
    assert all(0 <= one["written"] <= 1 for one in found["tools"])
    assert {"request while what is shown is typed", "request where one was answered before"} <= {
        one["quantity"] for one in found["server"]
    }


@pytest.mark.real
async def test_llama_server_refuses_to_infill_and_its_tokens_are_counted(smollm2: Path) -> None:
    try:
        server = PeerServer(find_llama_server(), Setup(smollm2, 2048, 2))
    except ContestantMissing as missing:
        pytest.skip(str(missing))
    try:
        await server.start()
        with pytest.raises(BenchFailed, match="status 501"):
            await server._post("/infill", {"input_prefix": "def f(", "input_suffix": "", "prompt": ""})
        await server.measure_tokens("import os\n" * 20)
        before = server.evaluated
        text = await server.ask(context_at("import os\n\nprint(os.path.join(a, b", "\n"), [("x = 1", "y = 2")], 250)
        assert text.startswith(")")
        assert server.evaluated > before
        assert server.generated > 0
    finally:
        await server.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tree=/nowhere", "--pauses=published"), "/nowhere is not there"),
        (("--tree=/nowhere", "--pauses=/no/recording"), "/no/recording cannot be read"),
        (("--checkpoint=nothing",), "There is no checkpoint named 'nothing'"),
    ],
)
def test_mistakes_of_the_command_end_in_one_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    tiny = tmp_path / "tiny.gguf"
    tiny.write_bytes(b"GGUF")
    ended = bench(f"--checkpoint={tiny}", *arguments)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
