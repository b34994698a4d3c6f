"""The study of exits: real lines, and what is said of them."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from rung.cascade.bench.lines.likeness import is_exact
from rung.cascade.bench.lines.tree import Tree, copy_sources
from rung.lsp.bench.exits_figures import Routing, Row, Stops, routing, rows, stops
from rung.lsp.bench.exits_tasks import prompt, tasks
from rung.lsp.bench.markdown_table import markdown_table
from rung.lsp.bench.packages import unpack_all
from rung.models.server.exits.completing import BOTH, EXIT, MODEL
from rung.models.server.exits.study import Studied, study
from rung.models.server.exits.training import Progress


@dataclass(frozen=True, slots=True)
class Measured:
    """tasks: their ids, in order."""

    tasks: list[str]
    studied: Studied
    rows: list[Row]
    stops: Stops
    routing: list[Routing]


def measured(
    checkpoint: str,
    exits: Path,
    folders: Sequence[Path] | None,
    *,
    count: int,
    max_tokens: int,
    read: int,
    device: str,
    dtype: str,
    seed: int,
    progress: Progress,
) -> Measured:
    """folders: of source; None: the pinned packages. Raises DataMissing, ExitsRefused, LoadFailed, ReshapeFailed."""
    with tempfile.TemporaryDirectory(prefix="rung-exits-") as scratch:
        trees = _trees(folders, Path(scratch))
        cases = tasks(trees, count, seed)
        studied = study(
            checkpoint,
            exits,
            [tree.root for tree in trees],
            [prompt(case) for case in cases],
            max_tokens=max_tokens,
            read=read,
            device=device,
            dtype=dtype,
            progress=progress,
        )
    right = [is_exact(case, done[MODEL].text) for case, done in zip(cases, studied.completions, strict=True)]
    return Measured(
        tasks=[case.id for case in cases],
        studied=studied,
        rows=rows(cases, studied.completions, MODEL),
        stops=stops(cases, studied.completions, EXIT, BOTH),
        routing=routing(right, studied.firsts),
    )


def write(path: Path, found: Measured) -> None:
    path.write_text(json.dumps(dataclasses.asdict(found), indent=1), encoding="utf-8")


def tables(found: Measured) -> list[Table | str]:
    studied = found.studied
    ended = found.stops
    return [
        f"{studied.checkpoint}, {studied.layers} layers; exits trained on {studied.trained_on:,} tokens for a loss of "
        f"at most {studied.loss:.1%}; {studied.read:,} tokens of other source read, {len(found.tasks)} lines written.",
        _depths(studied),
        _copied(studied),
        _completions(found.rows, studied.layers),
        _doubted(studied),
        f"Of {ended.tasks} lines {ended.wrong} are wrong. Stop ends {ended.ended}: precision {ended.precision:.0%}, "
        f"recall {ended.recall:.0%}; {ended.tokens:.0%} of the tokens are not generated.",
        _routing(found.routing),
    ]


def _trees(named: Sequence[Path] | None, scratch: Path) -> list[Tree]:
    """Copies below `scratch`, of which only own sources are read. Raises DataMissing."""
    if not named:
        return unpack_all(scratch / "trees")
    found = []
    for number, folder in enumerate(folder.absolute() for folder in named):
        root = scratch / "trees" / f"{number}-{folder.name}"
        copy_sources(folder, root)
        found.append(Tree(root.name, root))
    return found


def _depths(studied: Studied) -> Table:
    table = markdown_table("behind layer", "lens agrees", "head agrees", "leave there", "with the model's token")
    for each in studied.depths:
        table.add_row(str(each.layer), f"{each.lens:.1%}", *map(_percent, (each.guessed, each.left, each.good)))
    return table


def _copied(studied: Studied) -> Table:
    table = markdown_table("behind layer", "states", "same next token", "right ones lost")
    for each in studied.copied:
        table.add_row(str(each.layer), each.states, f"{each.same:.2%}", f"{each.lost:.2%}")
    return table


def _completions(found: Sequence[Row], layers: int) -> Table:
    own = found[0]
    names = (
        "",
        "exact",
        "edit similarity",
        "ROUGE-L",
        "of its own",
        "same text",
        "tokens",
        "ms a token",
        "time of its own (95%)",
    )
    table = markdown_table(*names, f"skipped of {layers}", "stopped")
    for each in found:
        table.add_row(
            each.name,
            f"{each.exact:.1%}",
            f"{each.similarity:.3f}",
            f"{each.rouge_l:.3f}",
            f"{each.rouge_l / own.rouge_l - 1:+.1%}" if own.rouge_l else "",
            f"{each.same:.0%}",
            f"{each.tokens:.1f}",
            f"{each.seconds_a_token * 1000:.1f}",
            f"{each.time:.3f} ({each.low:.3f} to {each.high:.3f})",
            f"{each.skipped:.2f}",
            f"{each.stopped:.0%}",
        )
    return table


def _doubted(studied: Studied) -> Table:
    each = studied.doubted
    table = markdown_table("wrong tokens", "Stop ends at", "precision", "recall", "AUC", "AUC of 1 - probability")
    shares = (each.wrong, each.stopped, each.precision, each.recall)
    table.add_row(*(f"{share:.1%}" for share in shares), f"{each.auc:.3f}", f"{each.sure_auc:.3f}")
    return table


def _routing(found: Sequence[Routing]) -> Table:
    table = markdown_table("score of the first 3 tokens", "AUC", "95%")
    for each in found:
        table.add_row(each.score, f"{each.auc:.3f}", f"{each.low:.3f} to {each.high:.3f}")
    return table


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
