"""One climb, rung by rung."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from rung.cascade.attempt import Attempt, Bound, Climb, Decision, Step
from rung.cascade.function import FunctionAttempt, solution_call, test_call
from rung.cascade.gate import Gate, Pass, Refused
from rung.cascade.ladder import Ladder, Rung
from rung.cascade.line import attempt_line, line_call, other_lines, other_lines_call
from rung.cascade.meanwhile import meanwhile
from rung.cascade.retriever import Retriever
from rung.cascade.self_test import Tester
from rung.cascade.spending import Meter
from rung.cascade.spending import bound as bound_of
from rung.cascade.task import Task, TaskKind
from rung.models.protocol import ModelError, Priority, Prompt, Sampling, Usage

OnText = Callable[[str, str], None]
"""(name of the rung that is asked, what it has written of a line so far: "" when it is asked)."""
OnEarly = Callable[[Climb], None]
"""A line that may be shown until the climb has ended, as a climb of its own: below θ, while a remote rung is asked; or
the first of a function."""

# Of the small rung's lines of docs/lines.md, 1 of 63 was right below this confidence, and 1 of 4 above it.
EARLY = 0.4

# A prompt without retrieved code is better than a late one.
_RETRIEVAL_S = 0.2
_COMPLETION_S = 1.0
# Progress is told once in so many generated tokens.
_TOKENS_A_REPORT = 32
_BOUNDS = {Bound.EXACT: "", Bound.AT_MOST: " at most", Bound.AT_LEAST: " or more"}
_ADOPTED = {Decision.ADOPTED, Decision.ADOPTED_UNCHECKED}
_ENDS = {*_ADOPTED, Decision.NOTHING_TO_ADD, Decision.DEADLINE}


@dataclass(slots=True)
class Ascent:
    """Makes steps; `steps` are those made so far. began, deadline, remote_from: on the monotonic clock."""

    task: Task
    ladder: Ladder
    gate: Gate
    tester: Tester | None
    began: float
    deadline: float
    remote_from: float
    several: int
    ahead: bool
    priority: Priority
    on_progress: Callable[[str], None]
    on_text: OnText
    on_early: OnEarly | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    steps: list[Step] = field(default_factory=list)

    async def retrieve(self, retriever: Retriever | None, *, again: bool) -> None:
        """Code of the repository for a line's prompts: not at the price of the answer. again: by the rejected text."""
        if retriever is None or self.task.kind is not TaskKind.LINE:
            return
        find = retriever.retrieve_again if again else retriever.retrieve
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_RETRIEVAL_S, self._left())):
                self.task = replace(self.task, retrieved=await find(self.task))

    async def climb(self, rungs: Sequence[Rung]) -> None:
        for rung in rungs:
            if self.ahead and rung.remote:
                break
            async with meanwhile(self._early(self.on_early) if rung.remote and self.on_early else None):
                step = await self.step(rung)
            self.steps.append(step)
            if step.decision in _ENDS:
                break

    async def complete(self) -> None:
        """What was given up for its score is written to its end where nothing better came."""
        best = self.answer()
        if best is None or not best.begun:
            return
        rung = self._rung_of(best)
        if not rung.remote:  # it has read the prompt, and a larger rung may have used up the time
            self.deadline = max(self.deadline, time.monotonic() + _COMPLETION_S)
        self._written_out(best, await self._admitted(rung, whole=True))

    async def _early(self, tell: OnEarly) -> None:
        """Write the best line so far to its end, and tell of it, while a remote rung is asked."""
        best = self.answer()
        if best is None or best.least_score < EARLY or self.task.kind is not TaskKind.LINE:
            return
        rung = self._rung_of(best)
        if best.begun and not rung.remote:
            step = await self._attempt(rung, None, whole=True, on_text=_to_nobody)
            if step.attempt is not None:
                self._written_out(best, step)
        best = self.answer()
        if best is not None and not best.begun:
            # What remote rungs cost so far is booked for the whole climb.
            steps = tuple(replace(step, cost_usd=0.0) for step in self.steps)
            tell(Climb(uuid.uuid4().hex, self.task, steps, best, time.monotonic() - self.began))

    def _rung_of(self, attempt: Attempt) -> Rung:
        return next(rung for rung in self.ladder.rungs if rung.name == attempt.rung)

    def _written_out(self, best: Attempt, step: Step) -> None:
        """`step` wrote to its end what `best` begins."""
        index = next(index for index, each in enumerate(self.steps) if each.attempt is best)
        begun = self.steps[index]
        self.steps[index] = replace(
            begun,
            attempt=step.attempt,
            usage=begun.usage + step.usage,
            cost_usd=begun.cost_usd + step.cost_usd,
            seconds=begun.seconds + step.seconds,
            engine_seconds=begun.engine_seconds + step.engine_seconds,
        )

    def rejected(self, rung: Rung) -> Step:
        """The step of a rung that is not asked, because what it or one above it wrote was rejected."""
        return self._step(rung, Decision.REJECTED, "what was shown here was typed over")

    @property
    def nothing_to_add(self) -> bool:
        return bool(self.steps) and self.steps[-1].decision is Decision.NOTHING_TO_ADD

    def answer(self) -> Attempt | None:
        if self.nothing_to_add:
            return None
        last = self.steps[-1] if self.steps else None
        attempts = [step.attempt for step in self.steps if step.attempt is not None and step.attempt.text.strip()]
        if last is not None and last.decision in _ADOPTED and last.attempt in attempts:
            return last.attempt
        if self.ahead:
            return None
        return max(attempts, key=lambda attempt: attempt.least_score, default=None)

    async def step(self, rung: Rung) -> Step:
        """One rung: the gate, the attempt within the deadline, the decision."""
        if self.task.kind is TaskKind.FUNCTION and rung.k < 0:
            return self._step(rung, Decision.SKIPPED, "it is switched off for functions (k = -1)")
        if time.monotonic() >= self.deadline:
            return self._step(rung, Decision.DEADLINE, "the time for this completion was up")
        return await self._admitted(rung, whole=False)

    async def _admitted(self, rung: Rung, *, whole: bool) -> Step:
        passed: Pass | None = None
        if rung.remote:
            try:
                async with asyncio.timeout(self._left()):
                    await asyncio.sleep(max(0.0, self.remote_from - time.monotonic()))
                    admitted = await self._admit(rung)
            except TimeoutError:
                return self._step(rung, Decision.DEADLINE, "the time for this completion was up")
            if isinstance(admitted, Step):
                return admitted
            passed = admitted
        self.on_progress(f"asking {rung.name}")
        self.on_text(rung.name, "")
        return await self._attempt(rung, passed, whole=whole)

    async def _admit(self, rung: Rung) -> Pass | Step:
        calls = self._calls(rung)
        texts = [
            text
            for prompt, _ in calls
            for text in (prompt.context, prompt.prefix + prompt.suffix, prompt.draft)
            if text
        ]
        refused = await self.gate.private(self.task, "\n".join(texts))
        if refused is not None:
            return self._step(rung, Decision.PRIVATE, refused.reason)
        most = sum((bound_of(prompt, sampling) for prompt, sampling in calls), Usage())
        passed = await self.gate.reserve(self.id, rung, tokens=most.prompt + most.generated, usd=rung.price.of(most))
        if isinstance(passed, Refused):
            return self._step(rung, Decision.OVER_BUDGET, passed.reason)
        return passed

    async def _attempt(self, rung: Rung, passed: Pass | None, *, whole: bool, on_text: OnText | None = None) -> Step:
        began = time.monotonic()
        meter = Meter(rung, lambda tokens: self._tell_tokens(rung, tokens))
        try:
            step = await self._judged(rung, meter, on_text or self.on_text, whole=whole)
            if step.decision in _ADOPTED and self.several > 1 and self.task.kind is TaskKind.LINE:
                step = replace(step, attempt=await self._with_others(rung, meter, step.attempt))
        finally:
            if passed is not None:
                # Shielded: a cancelled climb must not lose the record of what it spent.
                await asyncio.shield(_account(passed, meter))
        return replace(
            step,
            usage=meter.usage,
            cost_usd=meter.cost_usd,
            seconds=time.monotonic() - began,
            engine_seconds=meter.engine_seconds,
        )

    async def _judged(self, rung: Rung, meter: Meter, on_text: OnText, *, whole: bool) -> Step:
        try:
            async with asyncio.timeout(self._left()):
                return self._judge(rung, await self._run(rung, meter, on_text, whole=whole))
        except TimeoutError:
            return self._step(rung, Decision.DEADLINE, "the time for this completion was up")
        except ModelError as error:
            return self._step(rung, Decision.FAILED, str(error))

    async def _with_others(self, rung: Rung, meter: Meter, attempt: Attempt | None) -> Attempt | None:
        """With further texts, as many as there is time for; the answer does not depend on them."""
        if attempt is not None:
            with contextlib.suppress(TimeoutError, ModelError):
                async with asyncio.timeout(self._left()):
                    others = await other_lines(self.task, rung, meter, self.several - 1)
                    return replace(attempt, others=tuple(text for text in others if text != attempt.text))
        return attempt

    def _left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    async def _run(self, rung: Rung, meter: Meter, on_text: OnText, *, whole: bool) -> Attempt:
        theta = None if rung is self._last() else self.ladder.theta_of(rung, self.task.kind)
        if self.task.kind is TaskKind.FUNCTION and self.task.function is not None:
            return await FunctionAttempt(
                self.task, self.task.function, rung, theta, self.tester, meter, self.on_progress
            ).run()
        tell = partial(on_text, rung.name)
        return await attempt_line(
            self.task, rung, meter, theta=theta, whole=whole, priority=self.priority, on_text=tell
        )

    def _judge(self, rung: Rung, attempt: Attempt) -> Step:
        theta = self.ladder.theta_of(rung, self.task.kind)
        is_function, is_last = self.task.kind is TaskKind.FUNCTION, rung is self._last()
        score = attempt.score or 0.0
        if attempt.why_empty:
            return self._step(rung, Decision.BELOW_THETA, attempt.why_empty, attempt)
        if not is_function and not attempt.text.strip() and (score >= theta or is_last):
            return self._step(rung, Decision.NOTHING_TO_ADD, "the line ends here", attempt)
        if is_function and not attempt.text.strip() and attempt.bound is Bound.EXACT:
            return self._step(rung, Decision.BELOW_THETA, "it wrote no body", attempt)
        if is_function and rung.k == 0:
            return self._step(rung, Decision.ADOPTED_UNCHECKED, "k = 0: adopted without a test", attempt)
        if is_last:
            return self._step(rung, Decision.ADOPTED_UNCHECKED, "the last rung is adopted without a check", attempt)
        bound = _BOUNDS[attempt.bound]
        if score >= theta:
            return self._step(rung, Decision.ADOPTED, f"score {score:.2f}{bound} is at least θ = {theta:.2f}", attempt)
        return self._step(rung, Decision.BELOW_THETA, f"score {score:.2f}{bound} is below θ = {theta:.2f}", attempt)

    def _last(self) -> Rung:
        """The last rung that this kind of task can reach."""
        reachable = [rung for rung in self.ladder.rungs if self.task.kind is TaskKind.LINE or rung.k >= 0]
        return reachable[-1]

    def _calls(self, rung: Rung) -> list[tuple[Prompt, Sampling]]:
        """What an attempt on this rung will ask, for the gate."""
        function = self.task.function
        if self.task.kind is TaskKind.FUNCTION and function is not None:
            calls = [solution_call(self.task, function, rung, k=rung.k)]
            return [*calls, test_call(function, rung)] if rung.k > 0 else calls
        calls = [line_call(self.task, rung)]
        return [*calls, other_lines_call(self.task, rung, self.several - 1)] if self.several > 1 else calls

    def _step(self, rung: Rung, decision: Decision, reason: str, attempt: Attempt | None = None) -> Step:
        return Step(rung.name, rung.remote, decision, reason, self.ladder.theta_of(rung, self.task.kind), attempt)

    def _tell_tokens(self, rung: Rung, tokens: int) -> None:
        if tokens % _TOKENS_A_REPORT == 0:
            self.on_progress(f"{rung.name}: {tokens} tokens")


def _to_nobody(_: str, __: str) -> None: ...


async def _account(passed: Pass, meter: Meter) -> None:
    """What was sent and never counted stays reserved."""
    if not meter.complete:
        return
    if meter.usage != Usage():
        await passed.settle(meter.usage, meter.cost_usd)
    else:
        await passed.release()
