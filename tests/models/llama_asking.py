"""Asking an engine in the test's own thread."""

from __future__ import annotations

from collections.abc import Callable

from rung.models.llama.engine.engine import Engine
from rung.models.llama.engine.loop import Cancelled, Loop, Request
from rung.models.protocol import Generation, Prompt, Sampling, Token

Answer = list[Generation] | Exception


class Asking:
    """An engine with its loop, stepped by hand. ends: every request that ended, in that order."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.loop = Loop(engine)
        self.ends: list[Request] = []
        self.answers: dict[int, Answer] = {}

    def submit(
        self, prompt: Prompt, sampling: Sampling, on_token: Callable[[int, Token], None] = lambda _, __: None
    ) -> Request:
        def on_end(answer: Answer) -> None:
            assert id(request) not in self.answers, "a request ended twice"
            self.answers[id(request)] = answer
            self.ends.append(request)

        request = Request(prompt, sampling, on_token, on_end)
        self.loop.submit(request)
        return request

    def work(self, until: Callable[[], bool] = lambda: False) -> None:
        """Until nothing is left to do, or `until`."""
        while not until() and self.loop.step():
            pass

    def answer(self, request: Request) -> list[Generation]:
        """Raises what the request ended with."""
        answer = self.answers[id(request)]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def cancelled(self, request: Request) -> bool:
        return isinstance(self.answers[id(request)], Cancelled)

    def generate(self, prompt: Prompt, sampling: Sampling) -> list[Generation]:
        request = self.submit(prompt, sampling)
        self.work()
        return self.answer(request)
