"""Evidence of a rung from its recording and the verdicts of its programs."""

from __future__ import annotations

import numpy as np

from rung.cascade.bench.problem import Problem
from rung.cascade.tune.cache import Cache
from rung.cascade.tune.evidence import Evidence, Samples
from rung.cascade.tune.execute import HIDDEN, LINES, Job, passed
from rung.cascade.tune.material import Material, material, tokens_for
from rung.cascade.tune.recording import Recording, Sample
from rung.models.price import MILLION, Price


def job_of(problem: Problem, recording: Recording, ls: tuple[int, ...]) -> Job:
    """All that the evidence of a problem needs. The problem is complete in the recording."""
    parts = _materials(problem, recording, ls)
    programs = dict.fromkeys(program for part in parts for program in part.programs if program)
    lines = dict.fromkeys(line for part in parts for line in part.distinct_lines())
    return Job(tuple(programs), tuple(lines), problem.hidden_test)


def evidence_of(problem: Problem, recording: Recording, ls: tuple[int, ...], cache: Cache, price: Price) -> Evidence:
    """After `execute` of the problem's job."""
    found = [_samples(part, problem.hidden_test, cache, price) for part in _materials(problem, recording, ls)]
    return Evidence(greedy=found[1] if recording.header.greedy else None, sampled=found[0])


def _materials(problem: Problem, recording: Recording, ls: tuple[int, ...]) -> list[Material]:
    ways = (False, True) if recording.header.greedy else (False,)
    return [material(problem, recording, greedy=greedy, ls=ls) for greedy in ways]


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
        solution_cost=np.array([sample.generated for sample in part.solutions]) * price.output_usd / MILLION,
        text_cost={
            l: np.array([tokens_for(sample, l) for sample in part.texts]) * price.output_usd / MILLION
            for l in part.lines  # noqa: E741
        },
        prompt_cost=(_prompt_cost(part.solutions, price), _prompt_cost(part.texts, price)),
    )


def _prompt_cost(samples: tuple[Sample, ...], price: Price) -> float:
    """Of one call: a prompt is paid for once, however many samples it has."""
    return max((sample.prompt for sample in samples), default=0) * price.input_usd / MILLION
