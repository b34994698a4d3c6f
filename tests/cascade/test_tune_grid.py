"""The grid of all settings agrees with climbing problem by problem."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from rung.cascade.tune.chances import chances
from rung.cascade.tune.evidence import Evidence, Samples
from rung.cascade.tune.grid import grid
from rung.cascade.tune.plan import THETAS, Option, options, plans

from .test_tune_scores import written_out
from .tune_made import made_evidence

RECORDED = 3
OF_RUNG = options(ks=(-1, 0, 1, 3))


@dataclass(frozen=True)
class Outcome:
    right: bool
    dollars: float


def attempt(evidence: Evidence, option: Option) -> tuple[float, Outcome]:
    """The score of the adopted solution, and what it is, where exactly k were recorded."""
    samples = evidence.sampled if option.k > 1 else evidence.greedy
    assert samples is not None
    count = max(option.k, 1)
    if option.k == 0:
        return 1.0, Outcome(bool(samples.correct[0]), float(samples.solution_cost[0]))
    suite = {line for text in range(count) for line in np.flatnonzero(samples.lines[option.l][text])}
    values = written_out(samples.passed.tolist(), suite, list(range(count)), option.k)
    values = [0.0 if empty else value for value, empty in zip(values, samples.empty, strict=True)]
    best = min(range(count), key=lambda index: (-values[index], samples.empty[index], index))
    dollars = samples.solution_cost[:count].sum() + samples.text_cost[option.l][:count].sum()
    shown = values[best] if not samples.empty[best] else -1.0  # the ladder climbs, also at θ = 0
    return shown, Outcome(bool(samples.correct[best]), float(dollars))


def climb(rungs: Sequence[Evidence], plan: Sequence[Option], theta: float) -> Outcome:
    """Chen et al. 2024, section 3.1; the last rung that is used is adopted without the check."""
    used = [(evidence, option) for evidence, option in zip(rungs, plan, strict=True) if not option.skips]
    dollars = 0.0
    for at, (evidence, option) in enumerate(used):
        score, outcome = attempt(evidence, option)
        dollars += outcome.dollars
        if at == len(used) - 1 or score >= theta:
            return Outcome(outcome.right, dollars)
    raise AssertionError


@pytest.mark.parametrize("rungs", [1, 2, 3])
def test_every_setting_has_the_accuracy_and_the_cost_of_climbing(rungs: int) -> None:
    random = np.random.default_rng(rungs)
    problems = [[made_evidence(random, RECORDED) for _ in range(6)] for _ in range(rungs)]
    used = [option for option in OF_RUNG if not option.skips]
    of_rung = [
        {option: chances(evidence, option, THETAS, most_subsets=1, seed=0) for option in used} for evidence in problems
    ]
    weights = np.array([[1 / 6] * 6, [0.5, 0.5, 0, 0, 0, 0]])
    found = grid(of_rung, weights)
    assert sorted(found.plans) == sorted(plans(rungs, OF_RUNG))
    chosen = np.random.default_rng(7).permutation(len(found.plans))[:60]
    for at, (number, theta) in itertools.product(chosen, enumerate(THETAS)):
        outcomes = [
            climb([problems[rung][problem] for rung in range(rungs)], found.plans[at], theta) for problem in range(6)
        ]
        right, dollars = [outcome.right for outcome in outcomes], [outcome.dollars for outcome in outcomes]
        assert found.accuracy[at, number] == pytest.approx([np.mean(right), np.mean(right[:2])])
        assert found.dollars[at, number] == pytest.approx([np.mean(dollars), np.mean(dollars[:2])])


def test_a_larger_recording_is_averaged_over_all_its_subsets() -> None:
    random = np.random.default_rng(3)
    evidence = made_evidence(random, 4)
    assert evidence.sampled is not None
    option = Option(3, 2)
    found = chances([evidence], option, THETAS, most_subsets=100, seed=0)
    solution_sets = list(itertools.combinations(range(4), 3))
    picked = [part_of(evidence.sampled, chosen) for chosen in solution_sets]
    assert found.dollars[0] == pytest.approx(
        np.mean([samples.solution_cost.sum() + samples.text_cost[2].sum() for samples in picked])
    )


def part_of(samples: Samples, chosen: Sequence[int]) -> Samples:
    at = list(chosen)
    return Samples(
        samples.passed[at],
        samples.correct[at],
        samples.empty[at],
        {l: lines[at] for l, lines in samples.lines.items()},  # noqa: E741
        samples.solution_cost[at],
        {l: cost[at] for l, cost in samples.text_cost.items()},  # noqa: E741
    )
