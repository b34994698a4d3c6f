"""Evidence of a rung from its recording and the verdicts of its programs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rung.cascade.bench.problem import Problem
from rung.cascade.tune.cache import Cache
from rung.cascade.tune.evidence import Evidence, Samples
from rung.cascade.tune.execute import HIDDEN, LINES, Job, passed
from rung.cascade.tune.material import Material, tokens_for
from rung.cascade.tune.recording import Sample
from rung.models.price import MILLION, Price


def job_of(problem: Problem, parts: Sequence[Material]) -> Job:
    """All that the evidence of a problem needs. parts: its `materials`."""
    programs = dict.fromkeys(program for part in parts for program in part.programs if program)
    lines = dict.fromkeys(line for part in parts for line in part.distinct_lines())
    return Job(tuple(programs), tuple(lines), problem.hidden_test)


def evidence_of(problem: Problem, parts: Sequence[Material], cache: Cache, price: Price) -> Evidence:
    """After `execute` of the problem's job. parts: its `materials`."""
    sampled, *greedy = (_samples(part, problem.hidden_test, cache, price) for part in parts)
    return Evidence(greedy=greedy[0] if greedy else None, sampled=sampled)


def _samples(part: Material, hidden: str, cache: Cache, price: Price) -> Samples:
    lines = part.distinct_lines()
    place = {line: at for at, line in enumerate(lines)}
    of_text = {}
    for l, texts in part.lines.items():  # noqa: E741
        has = np.zeros((len(texts), len(lines)), dtype=bool)
        for at, text in enumerate(texts):
            has[at, [place[line] for line in text]] = True
        of_text[l] = has
    of_program = {program: passed(cache, program, lines, LINES) for program in dict.fromkeys(part.programs)}
    right = {program: passed(cache, program, (hidden,), HIDDEN)[0] for program in of_program}
    return Samples(
        passed=np.array([of_program[program] for program in part.programs], dtype=bool).reshape(
            len(part.programs), len(lines)
        ),
        correct=np.array([right[program] for program in part.programs], dtype=bool),
        empty=np.array([not program for program in part.programs], dtype=bool),
        lines=of_text,
        solution_cost=_costs([sample.generated for sample in part.solutions], part.solutions, price),
        text_cost={
            most: _costs([tokens_for(sample, most) for sample in part.texts], part.texts, price) for most in part.lines
        },
        prompt_cost=(_prompt_cost(part.solutions, price), _prompt_cost(part.texts, price)),
    )


def _costs(tokens: Sequence[int], samples: Sequence[Sample], price: Price) -> NDArray[np.float64]:
    """Dollars of each sample; with its prompt, where a server that gives one sample a request was paid for each."""
    prompts = [sample.prompt if _one_a_request(samples) else 0 for sample in samples]
    return (np.array(tokens) * price.output_usd + np.array(prompts) * price.input_usd) / MILLION


def _prompt_cost(samples: Sequence[Sample], price: Price) -> float:
    """Of one call for all samples: a prompt that is paid for once, however many they are."""
    return 0.0 if _one_a_request(samples) else sum(sample.prompt for sample in samples) * price.input_usd / MILLION


def _one_a_request(samples: Sequence[Sample]) -> bool:
    return sum(sample.prompt > 0 for sample in samples) > 1
