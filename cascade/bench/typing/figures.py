"""What became of the keys of one tool, and the figures over them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

_DRAWS = 2000


@dataclass(slots=True)
class Act:
    """One key, or one acceptance, after which a tool could show something. Seconds since it; None: not before the next.

    answered_s: until the tool had answered for exactly this text, with something to show.
    nothing: it answered that it has nothing to offer.
    shown_s: until something stood on the screen; 0 where what stood there agreed with the key.
    from_memory: the answer came without the model.
    """

    answered_s: float | None = None
    shown_s: float | None = None
    nothing: bool = False
    from_memory: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens evaluated of prompts and generated, for whatever reason. memory: answers without the model.

    None: the tool does not tell.
    """

    evaluated: int | None
    generated: int | None
    memory: int | None

    def since(self, before: Spent) -> Spent:
        """What was spent after `before`."""
        return Spent(
            _less(self.evaluated, before.evaluated),
            _less(self.generated, before.generated),
            _less(self.memory, before.memory),
        )


@dataclass(slots=True)
class Replay:
    """One tool beside one stretch. characters: to be written, without indentation. written: of them, by the tool.

    accepts: how often. keys: pressed by the user, acceptances not among them.
    other_share: of a core, that the other tool used meanwhile; None where the system does not tell.
    """

    tool: str
    stretch: str
    characters: int
    written: int = 0
    accepts: int = 0
    keys: int = 0
    acts: list[Act] = field(default_factory=list)
    spent: Spent = Spent(None, None, None)
    seconds: float = 0.0
    other_share: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one tool over all stretches. Seconds; shares in [0, 1]; None where it is not known or does not exist.

    answered, nothing: acts with such an answer before the next. p50_s, p90_s: of the answered. all_p50_s, all_p90_s: of
    all acts, where one that was not answered took longer than any other; math.inf where the rank falls on such a one.
    shown_…: the same of what stood on the screen.
    """

    tool: str
    stretches: int
    characters: int
    written: float
    characters_per_act: float
    keys_per_character: float
    acts: int
    accepts: int
    answered: float
    nothing: float
    shown: float
    p50_s: float | None
    p90_s: float | None
    all_p50_s: float
    all_p90_s: float
    shown_p50_s: float
    shown_p90_s: float
    memory: float | None
    evaluated_per_key: float | None
    generated_per_key: float | None
    other_share: float | None


def figures(replays: Sequence[Replay]) -> Figures:
    """replays: of one tool, at least one."""
    acts = [act for replay in replays for act in replay.acts]
    characters, written = sum(r.characters for r in replays), sum(r.written for r in replays)
    accepts, keys = sum(r.accepts for r in replays), sum(r.keys for r in replays)
    answered = [act.answered_s for act in acts if act.answered_s is not None]
    censored = [math.inf if act.answered_s is None else act.answered_s for act in acts]
    shown = [math.inf if act.shown_s is None else act.shown_s for act in acts]
    shares = [replay.other_share for replay in replays if replay.other_share is not None]
    return Figures(
        tool=replays[0].tool,
        stretches=len(replays),
        characters=characters,
        written=written / characters,
        characters_per_act=written / len(acts),
        keys_per_character=(keys + accepts) / characters,
        acts=len(acts),
        accepts=accepts,
        answered=len(answered) / len(acts),
        nothing=sum(act.nothing for act in acts) / len(acts),
        shown=sum(math.isfinite(seconds) for seconds in shown) / len(acts),
        p50_s=percentile(answered, 0.5) if answered else None,
        p90_s=percentile(answered, 0.9) if answered else None,
        all_p50_s=percentile(censored, 0.5),
        all_p90_s=percentile(censored, 0.9),
        shown_p50_s=percentile(shown, 0.5),
        shown_p90_s=percentile(shown, 0.9),
        memory=_per_act([replay.spent.memory for replay in replays], len(acts)),
        evaluated_per_key=_per_act([replay.spent.evaluated for replay in replays], len(acts)),
        generated_per_key=_per_act([replay.spent.generated for replay in replays], len(acts)),
        other_share=max(shares, default=None),
    )


def difference(one: Sequence[Replay], other: Sequence[Replay]) -> tuple[float, float, float]:
    """Of the shares written, the first's less the other's; and its 95% interval, drawing stretches anew (bootstrap).

    The replays of both are of the same stretches in the same order.
    """
    pairs = list(zip(one, other, strict=True))
    draw = random.Random(1)
    drawn = sorted(_difference(draw.choices(pairs, k=len(pairs))) for _ in range(_DRAWS))
    return _difference(pairs), percentile(drawn, 0.025), percentile(drawn, 0.975)


def _less(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before


def _per_act(counts: Sequence[int | None], acts: int) -> float | None:
    told = [count for count in counts if count is not None]
    return sum(told) / acts if len(told) == len(counts) else None


def _difference(pairs: Sequence[tuple[Replay, Replay]]) -> float:
    return sum(one.written - other.written for one, other in pairs) / sum(one.characters for one, _ in pairs)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank); some may be infinite."""
    if not values:
        raise ValueError("a percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(round(len(ordered) * share, 9)) - 1)]
