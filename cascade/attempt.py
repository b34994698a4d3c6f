"""What a climb leaves behind: attempts, the decision taken on each, and what was spent."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from rung.cascade.task import Task
from rung.models.protocol import Usage


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The evidence of a function's score: n_s * n_t / (k * test_lines) (Chen et al. 2024, section 3.1).

    passed_lines: n_s. agreement: n_t. test_lines: N_t, valid and distinct.
    """

    k: int
    test_lines: int
    passed_lines: int
    agreement: int


class Bound(StrEnum):
    """How a score is meant: a self-test ends as soon as its outcome is certain."""

    EXACT = "exact"
    AT_MOST = "at_most"
    AT_LEAST = "at_least"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one rung gave for one task. text: what to insert at the cursor, may be empty.

    score: in [0, 1]; None where it is adopted whatever its score and nobody asked for one. bound: how it is meant.
    others: further texts by falling score, without `text`.
    self_test: None for lines, and for functions that were not tested, or not to the end.
    begun: a line that was given up after its first tokens, because of its score. why_empty: a line that is not shown.
    """

    rung: str
    text: str
    score: float | None
    others: tuple[str, ...] = ()
    self_test: SelfTest | None = None
    bound: Bound = Bound.EXACT
    begun: bool = False
    why_empty: str = ""

    @property
    def exact_score(self) -> float | None:
        """None also where only a bound of it is known."""
        return self.score if self.bound is Bound.EXACT else None

    @property
    def least_score(self) -> float:
        """What it has for certain."""
        return 0.0 if self.bound is Bound.AT_MOST else self.score or 0.0


class Decision(StrEnum):
    """What was done at a rung, in the order in which a climb asks."""

    SKIPPED = "skipped"  # k = -1
    PRIVATE = "private"  # remote, and this text must not leave the machine
    OVER_BUDGET = "over_budget"
    FAILED = "failed"  # the model could not answer
    DEADLINE = "deadline"  # time was up, before it or in the middle
    REJECTED = "rejected"  # what it wrote here was shown and typed over: score 0 (MCCom)
    BELOW_THETA = "below_theta"
    NOTHING_TO_ADD = "nothing_to_add"  # score >= theta, and the line ends at the cursor
    ADOPTED = "adopted"  # score >= theta
    ADOPTED_UNCHECKED = "adopted_unchecked"  # the last rung, or k = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a climb. reason: a sentence for the user. attempt: None where it did not come to one.

    usage, cost_usd: what was spent, also by an attempt that failed or was cut off. seconds: wall clock.
    engine_seconds: those of them that a model measured itself as its own, over the calls that ended well.
    """

    rung: str
    remote: bool
    decision: Decision
    reason: str
    theta: float
    attempt: Attempt | None = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    seconds: float = 0.0
    engine_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Climb:
    """All of it. answer: the attempt to show; None where no rung gave text. seconds: wall clock."""

    id: str
    task: Task
    steps: tuple[Step, ...]
    answer: Attempt | None
    seconds: float

    @property
    def settled(self) -> bool:
        """Whether a rung decided it: not where the time was up, or the rungs that should decide could not be asked."""
        return bool(self.steps) and self.steps[-1].decision in (
            Decision.ADOPTED,
            Decision.ADOPTED_UNCHECKED,
            Decision.NOTHING_TO_ADD,
        )

    @property
    def cost_usd(self) -> float:
        return sum(step.cost_usd for step in self.steps)

    @property
    def usage(self) -> Usage:
        return sum((step.usage for step in self.steps), Usage())
