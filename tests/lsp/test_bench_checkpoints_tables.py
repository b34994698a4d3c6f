"""The tables of `rung bench checkpoints`, and the command's mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from rung.cascade.bench.greedy import LineTask, Speed, Written
from rung.lsp.bench.checkpoints_run import Measured, Subject, Tasks
from rung.lsp.bench.checkpoints_tables import right_and_same, same_tokens, size_and_speed
from rung.lsp.cli.bench_checkpoints import _root
from rung.models.catalogue import Checkpoint, Origin

TASKS = Tasks([LineTask("a", "b")], [LineTask("c", "d")], [LineTask("# ü", "")])


def _measured(name: str, one: float, texts: tuple[str, str, str], comment: list[bytes]) -> Measured:
    humaneval, source, comments = (Written((text,), 0.05) for text in texts)
    subject = Subject(name, Path(f"{name}.gguf"), 99_600_000, "whole")
    return Measured(
        subject, 32768, Speed(100, one, 300), humaneval, source, comments, [[b"ab"], [b"c", b"d"]], [comment]
    )


def _lines(table: object) -> dict[str, list[str]]:
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        console.print(table)
        rows = [line.strip("| ").split("|") for line in console.export_text().splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def test_a_checkpoint_stands_beside_its_reference() -> None:
    whole = _measured("whole", 20, ("b", "x", "für"), ["# ü".encode()])
    small = _measured("small", 50, ("b", "y", "fur"), [b"# ", b"\xc3", b"\xbc"])
    speeds = _lines(size_and_speed([whole, small]))
    assert speeds["small"] == ["100", "32,768", "100", "50", "300", "2.50", "50"]
    texts = _lines(right_and_same([whole, small], TASKS))
    assert texts["whole"][:3] == ["100.0%", "0.0%", "100.0%"]
    assert texts["small"] == [
        *("100.0%", "0.0%", "50.0%", "0.5 of 1.0", "0.0%", "1.0 of 3.0", "100.00%", "0.00%", "3 of 3")
    ]


def test_a_text_that_does_not_come_back_is_counted() -> None:
    lossy = _measured("whole", 20, ("b", "x", "für"), [b"# "])
    assert _lines(right_and_same([lossy], TASKS))["whole"][-1] == "2 of 3"


def test_tokens_are_the_same_where_they_are_cut_at_the_same_places() -> None:
    assert same_tokens([[b"ab", b"c", b"de"]], [[b"a", b"b", b"c", b"de"]]) == 0.5
    assert same_tokens([], []) == 0


def test_the_reference_is_what_a_checkpoint_was_made_of_in_the_end() -> None:
    def checkpoint(name: str, of: str | None) -> Checkpoint:
        origin = Origin(of, "", "trimmed", {}) if of else None
        return Checkpoint(name, Path(name), "", "", 1, 1, 1, None, own=False, made_from=origin)

    here = {
        c.name: c for c in (checkpoint("a", None), checkpoint("b", "a"), checkpoint("c", "b"), checkpoint("d", "x"))
    }
    here |= {c.name: c for c in (checkpoint("e", "f"), checkpoint("f", "e"))}
    assert [_root(name, here) for name in ("a", "b", "c", "d", "e", "path.gguf")] == [
        "a",
        "a",
        "a",
        "d",
        "f",
        "path.gguf",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "There is no checkpoint on this machine"),
        (("nothing",), "There is no checkpoint named 'nothing'"),
        (("TINY",), "single-line infilling"),
        (("TINY", "--source", "/nowhere"), "/nowhere is not there"),
    ],
)
def test_mistakes_of_the_command_end_in_one_sentence(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    tiny = tmp_path / "tiny.gguf"
    tiny.write_bytes(b"GGUF")
    data = os.environ.get("RUNG_DATA", "../shared/data") if "--source" in arguments else str(tmp_path)
    if "--source" in arguments and not (Path(data) / "HumanEval-SingleLineInfilling.jsonl.gz").exists():
        pytest.skip(f"{data} has no data sets; RUNG_DATA names their folder")
    environment = os.environ | {"RUNG_MODELS_DIR": str(tmp_path), "RUNG_DATA": data}
    program = "from rung.lsp.cli import main; main()"
    command = [sys.executable, "-c", program, "bench", "checkpoints"]
    arguments = tuple(str(tiny) if argument == "TINY" else argument for argument in arguments)
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    if said != "single-line infilling":
        assert said in done.stderr
