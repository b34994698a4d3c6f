"""What exits did to the completions of real lines."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rung.cascade.bench.lines.case import Case
from rung.cascade.bench.lines.likeness import is_exact, similarity

if TYPE_CHECKING:
    from rung.models.server.exits.completing import Completed
    from rung.models.server.exits.first_tokens import FirstToken

Floats = NDArray[np.float64]

_WORD = re.compile(r"\w+|[^\w\s]")
_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Row:
    """Means over the tasks. same: of the texts, those that are the model's own without exits.

    seconds_a_token: of those behind the first. time: that, of the one without exits. low, high: 95% of it, a paired
    bootstrap over the tasks. skipped: layers of a generated token. stopped: of the tasks.
    """

    name: str
    exact: float
    similarity: float
    rouge_l: float
    same: float
    tokens: float
    seconds_a_token: float
    time: float
    low: float
    high: float
    skipped: float
    stopped: float


@dataclass(frozen=True, slots=True)
class Stops:
    """Of the tasks that Stop ended. wrong: those whose line the model gets wrong if it goes on.

    precision: of the ended ones, the wrong. recall: of the wrong ones, the ended. tokens: not generated, of all.
    """

    tasks: int
    wrong: int
    ended: int
    precision: float
    recall: float
    tokens: float


@dataclass(frozen=True, slots=True)
class Routing:
    """auc: that a line which is exactly right scores higher than one that is not. low, high: 95% of it, bootstrap."""

    score: str
    auc: float
    low: float
    high: float


def rows(cases: Sequence[Case], completions: Sequence[dict[str, Completed]], own: str) -> list[Row]:
    """own: what the completions without exits are called."""
    return [_row(name, cases, completions, own) for name in completions[0]]


def stops(cases: Sequence[Case], completions: Sequence[dict[str, Completed]], through: str, stopped: str) -> Stops:
    """through, stopped: what the completions without and with Stop are called."""
    wrong = [not is_exact(case, done[through].text) for case, done in zip(cases, completions, strict=True)]
    ended = [done[stopped].doubted for done in completions]
    both = sum(a and b for a, b in zip(wrong, ended, strict=True))
    whole = sum(done[through].tokens for done in completions)
    return Stops(
        tasks=len(cases),
        wrong=sum(wrong),
        ended=sum(ended),
        precision=both / max(1, sum(ended)),
        recall=both / max(1, sum(wrong)),
        tokens=1 - sum(done[stopped].tokens for done in completions) / max(1, whole),
    )


def routing(right: Sequence[bool], firsts: Sequence[Sequence[FirstToken]]) -> list[Routing]:
    """right: whether the model's line is exactly right, of each task."""
    chance = [[each.chance for each in tokens] for tokens in firsts]
    trust = [[1 - each.doubt for each in tokens] for tokens in firsts]
    scores = {
        "mean probability (MCCom)": [np.mean(each) for each in chance],
        "least probability": [min(each) for each in chance],
        "mean of 1 - Stop": [np.mean(each) for each in trust],
        "least of 1 - Stop": [min(each) for each in trust],
        "both means, half and half": [np.mean([*a, *b]) for a, b in zip(chance, trust, strict=True)],
        "both, least of the product": [
            min(x * y for x, y in zip(a, b, strict=True)) for a, b in zip(chance, trust, strict=True)
        ],
    }
    return [_routing(name, np.array(values, dtype=float), np.array(right)) for name, values in scores.items()]


def rouge_l(text: str, truth: str) -> float:
    """F1 of the longest common subsequence of words and signs (Lin 2004). 1 where both are empty."""
    one, other = _WORD.findall(text), _WORD.findall(truth)
    if not one or not other:
        return float(one == other)
    return 2 * _longest_common(one, other) / (len(one) + len(other))


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for place, opposite in enumerate(other, 1):
            above = row[place]
            row[place] = before + 1 if word == opposite else max(above, row[place - 1])
            before = above
    return row[-1]


def _row(name: str, cases: Sequence[Case], completions: Sequence[dict[str, Completed]], own: str) -> Row:
    done = [each[name] for each in completions]
    tokens = sum(each.tokens for each in done)
    time, low, high = _time([each[name] for each in completions], [each[own] for each in completions])
    return Row(
        name=name,
        exact=_mean([is_exact(case, each.text) for case, each in zip(cases, done, strict=True)]),
        similarity=_mean([similarity(case, each.text) for case, each in zip(cases, done, strict=True)]),
        rouge_l=_mean([rouge_l(each.text, case.truth) for case, each in zip(cases, done, strict=True)]),
        same=_mean([each[name].text == each[own].text for each in completions]),
        tokens=tokens / len(done),
        seconds_a_token=_a_token(np.array(_times(done))),
        time=time,
        low=low,
        high=high,
        skipped=sum(each.skipped for each in done) / max(1, tokens),
        stopped=_mean([each.doubted for each in done]),
    )


def _times(done: Sequence[Completed]) -> list[tuple[float, int]]:
    """Seconds and tokens behind the first."""
    return [(each.seconds, each.tokens - 1) if each.tokens > 1 else (0.0, 0) for each in done]


def _a_token(times: Floats) -> float:
    """times: [tasks, 2]."""
    seconds, tokens = times.sum(axis=0)
    return float(seconds / max(1, tokens))


def _time(done: Sequence[Completed], own: Sequence[Completed]) -> tuple[float, float, float]:
    """A ratio, and its interval. NaN where nothing was timed."""
    one, other = np.array(_times(done)), np.array(_times(own))
    random = np.random.default_rng(0)

    def ratio(chosen: NDArray[np.int64]) -> float:
        whole = _a_token(other[chosen])
        return _a_token(one[chosen]) / whole if whole else math.nan

    found = [ratio(random.integers(len(one), size=len(one))) for _ in range(_RESAMPLES)]
    low, high = np.nanpercentile(found, (2.5, 97.5)) if not np.isnan(found).all() else (math.nan, math.nan)
    return ratio(np.arange(len(one))), float(low), float(high)


def _routing(name: str, scores: Floats, right: NDArray[np.bool_]) -> Routing:
    random = np.random.default_rng(0)
    found = []
    for _ in range(_RESAMPLES):
        chosen = random.integers(len(right), size=len(right))
        found.append(_auc(scores[chosen], right[chosen]))
    low, high = np.percentile(found, (2.5, 97.5))
    return Routing(name, _auc(scores, right), float(low), float(high))


def _auc(scores: Floats, right: NDArray[np.bool_]) -> float:
    """0.5 where there is no pair."""
    order, places = np.unique(scores, return_inverse=True)
    yes = np.bincount(places[right], minlength=len(order))
    no = np.bincount(places[~right], minlength=len(order))
    pairs = yes.sum() * no.sum()
    return float((yes * (no.cumsum() - no / 2)).sum() / pairs) if pairs else 0.5


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
