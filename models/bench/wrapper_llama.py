"""llama-cpp-python's high-level `Llama`, as its users have it. It has no batches: samples come one after another.

Run as a child: `python -m rung.models.bench.wrapper_llama CHECKPOINT CONTEXT THREADS`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import llama_cpp

from rung.models.bench.child_loop import answer_work
from rung.models.bench.work import Answer, Work


class WrapperLlama:
    def __init__(self, checkpoint: Path, context: int, threads: int) -> None:
        self._llama = llama_cpp.Llama(
            str(checkpoint), n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False
        )

    def answer(self, work: Work) -> Answer:
        answers = [self._one(replace(work, seed=work.seed + index)) for index in range(work.sequences)]
        return Answer(
            seconds=sum(answer.seconds for answer in answers),
            first_token_s=answers[0].first_token_s,
            prompt=answers[0].prompt,
            cached=answers[0].cached,
            generated=sum(answer.generated for answer in answers),
            shortest=min(answer.generated for answer in answers),
        )

    def _one(self, work: Work) -> Answer:
        llama = self._llama
        before = llama.input_ids[: llama.n_tokens].tolist()
        began = time.perf_counter()
        first = 0.0
        for _ in llama.create_completion(
            work.prompt,
            max_tokens=work.max_tokens,
            temperature=work.temperature,
            seed=work.seed,
            stop=list(work.stop),
            stream=True,
        ):
            first = first or time.perf_counter()
        ended = time.perf_counter()
        # The stream does not say how many tokens it made; all but the last were evaluated after the prompt.
        prompt = llama.tokenize(work.prompt.encode(), add_bos=True, special=True)
        generated = max(1, llama.n_tokens - len(prompt) + 1)
        cached = llama.longest_token_prefix(before, prompt[:-1])
        return Answer(ended - began, (first or ended) - began, len(prompt), cached, generated, generated)


if __name__ == "__main__":
    answer_work(lambda *arguments: WrapperLlama(*arguments).answer)
