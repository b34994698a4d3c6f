"""A strategy as a ladder that runs: the real climb, over recorded models and recorded retrieval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rung.cascade.attempt import Climb
from rung.cascade.bench.lines.case import Case, Kind
from rung.cascade.bench.lines.clock import VirtualClock
from rung.cascade.bench.lines.journal import Journal
from rung.cascade.bench.lines.recorded import RecordedModel
from rung.cascade.bench.lines.retrieved import RecordedRetriever
from rung.cascade.bench.lines.search import Search
from rung.cascade.bench.lines.strategy import Engine, Rungs, Strategy
from rung.cascade.bench.open_gate import OpenGate
from rung.cascade.climb import climb
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.task import Rejected, Task, TaskKind
from rung.models.protocol import Model

_DEADLINE_S = 300.0  # far above any answer: the benchmark measures times, it does not cut them


@dataclass(slots=True)
class Ladders:
    """small, large: the rungs; their models are not asked, but those here. models: of the small rung, by its engine.

    roots, search: of the trees, by name. No models and no search where the journal has every call. left_only: what
    stands after the cursor is hidden from everything, as in RepoEval. warm: the models have read up to the cursor's
    line, but not with the code of a second retrieval.
    """

    small: Rung
    large: Rung
    models: Mapping[Engine, Model]
    large_model: Model | None
    roots: Mapping[str, Path]
    search: Mapping[str, Search]
    journal: Journal
    left_only: bool = False
    warm: bool = False
    clock: VirtualClock = field(default_factory=VirtualClock)

    async def climb(
        self, case: Case, strategy: Strategy, theta: float, rejected: Rejected | None = None
    ) -> tuple[Climb, float]:
        """One climb, and its seconds in virtual time. Raises RecordingError and Leaked."""
        shown = strategy.suffix and not self.left_only
        task = Task(
            TaskKind.LINE,
            case.before,
            case.after if shown else "",
            path=self.roots[case.package] / case.path,
            several_lines=case.kind is Kind.STATEMENT,
            rejected=rejected,
        )
        retriever = self._retriever(case.package, strategy)
        if retriever is not None:
            await retriever.prepare(task)
        began = self.clock.seconds
        climbed = await climb(
            task,
            self._ladder(strategy, theta, warm=self.warm and (rejected is None or not strategy.second_retrieval)),
            OpenGate(),
            None,
            deadline_s=_DEADLINE_S,
            retriever=retriever,
        )
        return climbed, self.clock.seconds - began

    def _ladder(self, strategy: Strategy, theta: float, *, warm: bool) -> Ladder:
        small = replace(self.small, model=self._small_model(strategy, warm))
        model = RecordedModel(
            self.large.name, self.large_model, self.journal, self.clock, drafts=strategy.large_draft, warm=warm
        )
        large = replace(self.large, model=model)
        rungs = {Rungs.SMALL: (small,), Rungs.LARGE: (large,), Rungs.BOTH: (small, large)}
        return Ladder(rungs[strategy.rungs], dict.fromkeys(TaskKind, theta))

    def _small_model(self, strategy: Strategy, warm: bool) -> RecordedModel:
        engine = strategy.small_engine
        name = self.small.name if engine is Engine.USUAL else f"{self.small.name}, {engine}"
        return RecordedModel(
            name, self.models.get(engine), self.journal, self.clock, doubts=strategy.early_cut, warm=warm
        )

    def _retriever(self, package: str, strategy: Strategy) -> RecordedRetriever | None:
        if not strategy.retrieval:
            return None
        return RecordedRetriever(
            package,
            self.roots[package],
            self.search.get(package),
            self.journal,
            self.clock,
            again=strategy.second_retrieval,
        )
