"""Thresholds for each rung and each (rung, k, l), and studies: what is chosen is what the recordings say."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from rung.cascade.tune.chances import Chances, chances
from rung.cascade.tune.grid import grid
from rung.cascade.tune.plan import SKIP, Option, options
from rung.cascade.tune.split import splits
from rung.cascade.tune.splitting import Splitting
from rung.cascade.tune.study import Settings, Study, study
from rung.cascade.tune.thetas import candidates, climbing, of_rungs, shares, tried

from .tune_made import made_evidence

THETAS = (0.0, 0.3, 0.6, 1.0)
KS, LS = (-1, 0, 1, 3), (0, 2, 4)


def made_rungs(count: int, problems: int, seed: int = 0) -> list[dict[Option, Chances]]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        evidence = [made_evidence(random, 4) for _ in range(problems)]
        found.append(
            {
                option: chances(evidence, option, THETAS, most_subsets=20, seed=1)
                for option in options(KS, LS)
                if option != SKIP
            }
        )
    return found


def climbed(
    rungs: Sequence[dict[Option, Chances]], plan: tuple[Option, ...], vector: Sequence[int], problem: int
) -> tuple[float, float, list[float]]:
    """Problem by problem, as a climb goes: chance to be right, dollars, chance of each rung to answer."""
    reach, right, dollars, answers = 1.0, 0.0, 0.0, [0.0] * len(plan)
    used = [index for index, option in enumerate(plan) if not option.skips]
    left = list(vector)
    for index in used:
        chance = rungs[index][plan[index]]
        dollars += reach * chance.dollars[problem]
        if index == used[-1]:
            right += reach * chance.right[problem]
            answers[index] = reach
            break
        theta = left.pop(0)
        right += reach * chance.accepted_right[theta, problem]
        answers[index] = reach * (1 - chance.climbs[theta, problem])
        reach *= chance.climbs[theta, problem]
    return right, dollars, answers


@pytest.mark.parametrize(
    "plan",
    [
        (Option(1, 2), Option(3, 4), Option(0, 0)),
        (Option(1, 4), SKIP, Option(3, 2)),
        (SKIP, Option(3, 2), SKIP),
        (Option(3, 2), Option(0, 0), SKIP),
    ],
)
def test_every_combination_of_thresholds_is_what_climbing_gives(plan: tuple[Option, ...]) -> None:
    rungs = made_rungs(3, 4)
    found = tried(plan, rungs)
    assert len(found.vectors) == len(THETAS) ** len(climbing(plan))
    for row, vector in enumerate(found.vectors):
        outcomes = [climbed(rungs, plan, vector, problem) for problem in range(4)]
        assert found.right[row] == pytest.approx([right for right, _, _ in outcomes], rel=1e-5)
        assert found.dollars[row] == pytest.approx([dollars for _, dollars, _ in outcomes], rel=1e-5)
        answers = np.mean([each for _, _, each in outcomes], axis=0)
        assert shares(plan, vector, rungs) == pytest.approx(answers)
        assert sum(answers) == pytest.approx(1.0)


def test_one_threshold_for_all_gives_what_the_grid_gives() -> None:
    rungs = made_rungs(3, 5)
    weights = np.full((1, 5), 0.2)
    whole = grid(rungs, weights)
    for index, theta in itertools.product(range(0, len(whole.plans), 7), range(len(THETAS))):
        plan = whole.plans[index]
        found = tried(plan, rungs)
        row = found.vectors.index(of_rungs(plan, (theta,) * 3))
        assert found.right[row].mean() == pytest.approx(whole.accuracy[index, theta, 0], rel=1e-5)
        assert found.dollars[row].mean() == pytest.approx(whole.dollars[index, theta, 0], rel=1e-5)


def test_candidates_are_the_pareto_points_of_every_threshold() -> None:
    rungs = made_rungs(2, 6)
    whole = grid(rungs, np.full((1, 6), 1 / 6))
    accuracy, dollars = whole.accuracy[:, :, 0], whole.dollars[:, :, 0]
    expected = {
        whole.plans[index]
        for theta in range(len(THETAS))
        for index in range(len(whole.plans))
        if not any(
            dollars[other, theta] <= dollars[index, theta]
            and accuracy[other, theta] >= accuracy[index, theta]
            and (dollars[other, theta], accuracy[other, theta]) != (dollars[index, theta], accuracy[index, theta])
            for other in range(len(whole.plans))
        )
    }
    assert set(candidates(whole, accuracy, dollars)) <= expected


@pytest.fixture(scope="module")
def made() -> Study:
    random = np.random.default_rng(3)
    rungs = [[made_evidence(random, 4) for _ in range(30)] for _ in range(3)]
    return study(rungs, Settings(KS, LS, THETAS, splits=6, subsets=10), lambda: None)


def test_a_study_says_of_each_point_what_its_rungs_do(made: Study) -> None:
    assert made.problems == 30
    assert made.settings == len(THETAS) * 155
    assert len(made.alone) == 3 * 5
    for point in (*made.cascade, *made.single, made.best_single, made.instead):
        assert sum(point.shares) == pytest.approx(1.0)
        assert all((share > 0) <= (not option.skips) for share, option in zip(point.shares, point.plan, strict=True))
    assert made.instead.accuracy >= made.best_single.accuracy
    assert made.instead.dollars <= made.best_single.dollars


def test_costs_rise_with_theta(made: Study) -> None:
    """Using larger models more often always means more computation (section 3.3)."""
    costs = [point.dollars for point in made.sweep]
    assert costs == sorted(costs)
    assert [point.theta for point in made.sweep] == list(THETAS)


def test_on_the_problems_that_choose_finer_thresholds_save_no_less() -> None:
    rungs = made_rungs(3, 20, seed=5)
    choosing, _ = splits(20, 4, 0)
    every = np.full((1, 20), 1 / 20)
    splitting = Splitting(rungs, grid(rungs, np.concatenate([every, choosing, choosing])), choosing, choosing)
    for split in range(4):
        outcomes = splitting.outcomes(split)
        assert outcomes["option"].saved >= max(outcomes["rung"].saved, outcomes["global"].saved) - 1e-6
        assert outcomes["global"].saved >= 0
        assert all(outcome.gained >= -1e-6 for outcome in outcomes.values())
        selection = splitting.selection(split)
        assert outcomes["global"].saved == pytest.approx(selection.saved, abs=1e-4)


def test_the_same_seed_gives_the_same_study() -> None:
    random = np.random.default_rng(9)
    rungs = [[made_evidence(random, 4) for _ in range(12)] for _ in range(2)]
    settings = Settings(KS, LS, THETAS, splits=3, subsets=5)
    one, two = (study(rungs, settings, lambda: None) for _ in range(2))
    assert (one.cascade, one.worth, one.cloud) == (two.cascade, two.worth, two.cloud)


def test_a_rung_is_tried_with_as_many_samples_as_it_has() -> None:
    random = np.random.default_rng(4)
    rungs = [[made_evidence(random, count) for _ in range(10)] for count in (1, 4)]
    found = study(rungs, Settings(KS, LS, THETAS, splits=2, subsets=5), lambda: None)
    assert max(each.option.k for each in found.alone if each.rung == 0) == 1
    assert max(each.option.k for each in found.alone if each.rung == 1) == 3


def test_too_few_problems_for_a_split_are_refused() -> None:
    random = np.random.default_rng(4)
    with pytest.raises(ValueError, match="too few"):
        study([[made_evidence(random, 4)]], Settings(KS, LS, THETAS, splits=2), lambda: None)
