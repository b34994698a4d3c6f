"""The other side of `child`: answers work on the standard streams until its input ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rung.models.bench.work import Answer, Work

Load = Callable[[Path, int, int], Callable[[Work], Answer]]


def answer_work(load: Load) -> None:
    """load: from checkpoint, context and threads to what answers. Raises nothing: failures are told to the reader."""
    # A library that prints must not be able to break the protocol: it prints to standard error.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as sink:
        os.dup2(2, 1)

        def tell(message: dict[str, object]) -> None:
            sink.write(json.dumps(message) + "\n")
            sink.flush()

        try:
            answer = load(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
            tell({})
            for line in sys.stdin:
                fields = json.loads(line)
                tell(asdict(answer(Work(**{**fields, "stop": tuple(fields["stop"])}))))
        except (ValueError, RuntimeError) as error:
            tell({"failed": str(error)})
            sys.exit(1)
