"""Up the ladder, until an attempt scores at least θ."""

from __future__ import annotations

import time
from collections.abc import Callable

from rung.cascade.ascent import Ascent, OnEarly, OnText
from rung.cascade.attempt import Climb
from rung.cascade.gate import Gate
from rung.cascade.ladder import Ladder
from rung.cascade.retriever import Retriever
from rung.cascade.self_test import Tester
from rung.cascade.task import Task, TaskKind
from rung.models.protocol import Priority


async def climb(
    task: Task,
    ladder: Ladder,
    gate: Gate,
    tester: Tester | None,
    *,
    deadline_s: float,
    retriever: Retriever | None = None,
    several: int = 1,
    patience_s: float = 0.0,
    ahead: bool = False,
    priority: Priority = Priority.LINE,
    on_progress: Callable[[str], None] = lambda _: None,
    on_text: OnText = lambda _, __: None,
    on_early: OnEarly | None = None,
) -> Climb:
    """Ask the rungs in order; the first attempt that scores at least θ is the answer (Chen et al. 2024, section 3.1).

    The last rung is adopted without the check. A remote rung that fails, is over budget or must not see this file
    is passed over. When no rung is adopted, or the deadline passes, the best attempt so far is the answer.
    A line that was rejected begins above the rung that wrote what was rejected (MCCom, routing); where no rung there
    can answer, those below are asked after all.

    several: texts wanted beside the answer. patience_s: no remote rung is asked before. ahead: of a request that may
    follow: the climb ends below the first remote rung, without an answer where none was adopted. priority: of a line.
    on_text, on_early: see `OnText` and `OnEarly`. Never raises ModelError; a cancelled climb settles what it spent.
    """
    began = time.monotonic()
    ascent = Ascent(
        task,
        ladder,
        gate,
        tester,
        began,
        began + deadline_s,
        began + patience_s,
        several,
        ahead=ahead,
        priority=priority,
        on_progress=on_progress,
        on_text=on_text,
        on_early=on_early,
    )
    first = _first_rung(task, ladder)
    climbs = task.rejected is not None and ladder.rungs[first].name != task.rejected.rung
    await ascent.retrieve(retriever, again=first > 0 and climbs)
    for rung in ladder.rungs[:first]:
        ascent.steps.append(ascent.rejected(rung))
    await ascent.climb(ladder.rungs[first:])
    if first and ascent.answer() is None and not ascent.nothing_to_add:
        await ascent.retrieve(retriever, again=False)  # which the model has read already
        await ascent.climb(ladder.rungs[:first])
    if not ahead:
        await ascent.complete()
    return Climb(ascent.id, ascent.task, tuple(ascent.steps), ascent.answer(), time.monotonic() - began)


def _first_rung(task: Task, ladder: Ladder) -> int:
    """The index of the rung that the climb begins with: the one above the rejected text's, if there is one."""
    if task.rejected is None or task.kind is not TaskKind.LINE:
        return 0
    names = [rung.name for rung in ladder.rungs]
    above = names.index(task.rejected.rung) + 1 if task.rejected.rung in names else 0
    return min(above, len(names) - 1)
