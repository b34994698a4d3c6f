"""What one rung does with each problem, at each of its options: accept or climb, right or wrong, and at what price.

Where more was recorded than an option needs, it is averaged over subsets of the recording, not taken from its first k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rung.cascade.tune.evidence import Evidence, Samples
from rung.cascade.tune.plan import Option
from rung.cascade.tune.scores import scores
from rung.cascade.tune.subsets import subsets

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chances:
    """Of one option of one rung, for P problems and T thresholds; expectations over the draws.

    climbs: T × P, probability that the score is below θ, or that there is nothing to show. accepted_right: T × P, that
    neither is so, and the solution is right. right: P, that the best solution is right; dollars: P, of the attempt;
    score: P, of the best solution, 0 where nothing is tested.
    """

    climbs: Floats
    accepted_right: Floats
    right: Floats
    dollars: Floats
    score: Floats


def chances(
    problems: Sequence[Evidence], option: Option, thetas: Sequence[float], *, most_subsets: int, seed: int
) -> Chances:
    """option: not SKIP. Raises ValueError where a problem's recording has too few samples for it."""
    at = np.asarray(thetas, dtype=np.float64)
    found = [_of_problem(evidence, option, at, most_subsets, [seed, index]) for index, evidence in enumerate(problems)]
    return Chances(*(np.stack(values, axis=-1) for values in zip(*found, strict=True)))


def _of_problem(
    evidence: Evidence, option: Option, thetas: Floats, most: int, seed: list[int]
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    samples, count = _drawn_from(evidence, option)
    random = np.random.default_rng(seed)
    chosen = subsets(len(samples.correct), count, most, random)
    if not option.tests:
        right = samples.correct[chosen[:, 0]].mean()
        dollars = samples.prompt_cost[0] + samples.solution_cost[chosen[:, 0]].mean()
        return np.zeros_like(thetas), np.full_like(thetas, right), np.asarray(right), np.asarray(dollars), np.zeros(())
    lines, text_cost = samples.lines[option.l], samples.text_cost[option.l]
    texts = _paired(subsets(len(lines), count, most, random), len(chosen), random)
    chosen = _paired(chosen, len(texts), random)
    values = np.where(samples.empty[chosen], 0.0, scores(samples.passed, lines, chosen, texts))
    # As the ladder adopts: the best score, of equal ones the first that is not empty.
    best = np.argmax(values - np.where(samples.empty[chosen], 1e-9, 0.0), axis=1)
    rows = np.arange(len(chosen))
    score, right_of = values[rows, best], samples.correct[chosen[rows, best]]
    accepts = (score[None, :] >= thetas[:, None]) & ~samples.empty[chosen[rows, best]][None, :]  # nothing is shown
    dollars = sum(samples.prompt_cost) + (
        samples.solution_cost[chosen].sum(axis=1).mean() + text_cost[texts].sum(axis=1).mean()
    )
    whole = np.asarray(right_of.mean()), np.asarray(dollars), np.asarray(score.mean())
    return 1 - accepts.mean(axis=1), (accepts & right_of).mean(axis=1), *whole


def _drawn_from(evidence: Evidence, option: Option) -> tuple[Samples, int]:
    samples = evidence.sampled if option.k > 1 or evidence.greedy is None else evidence.greedy
    if samples is None:
        raise ValueError("nothing was sampled")
    return samples, max(option.k, 1)


def _paired(rows: NDArray[np.intp], count: int, random: np.random.Generator) -> NDArray[np.intp]:
    """At least `count` rows, repeated in an order of chance."""
    if len(rows) >= count:
        return rows
    order = np.concatenate([random.permutation(len(rows)) for _ in range(-(-count // len(rows)))])[:count]
    repeated: NDArray[np.intp] = rows[order]
    return repeated
