"""What the models are asked."""

from __future__ import annotations

from rung.cascade.ladder import Rung
from rung.cascade.task import Function, Task, TaskKind
from rung.models.protocol import Prompt

LINE_TOKENS = 64
# A processor evaluates some hundred tokens a second, and the first answer in a file must come within its deadline.
LOCAL_LINE_PROMPT_TOKENS = 640
BODY_TOKENS = 256
TOKENS_A_TEST_LINE = 40
LINE_STOPS = ("\n",)

# Code has 3 to 4 characters a token; the model itself cuts by tokens where this is too much.
_CHARACTERS_A_TOKEN = 3
_SUFFIX_SHARE = 4
_LEAVES = ("def ", "class ", "@", "if __name__", "#", "print(", "assert ", "import ", "from ", "```", "async def ")


def prompt_here(task: Task, rung: Rung, max_tokens: int) -> Prompt:
    """The text around the cursor that fits the rung's context."""
    tokens = max(rung.context - max_tokens, rung.context // 2)
    if task.kind is TaskKind.LINE and not rung.remote:
        tokens = min(tokens, LOCAL_LINE_PROMPT_TOKENS)
    room = tokens * _CHARACTERS_A_TOKEN
    suffix = task.suffix[: room // _SUFFIX_SHARE]
    return Prompt(window(task.prefix, room), suffix)


def window(text: str, limit: int) -> str:
    """The last `limit` characters at most, from the beginning of a line.

    The beginning moves in steps of a quarter of `limit`, so that the prompt's beginning, and with it
    the model's key-value cache, stays the same over most keystrokes.
    """
    if len(text) <= limit:
        return text
    step = max(limit // 4, 1)
    start = -(-(len(text) - limit) // step) * step
    line = text.find("\n", start)
    return text[line + 1 :] if line >= 0 else text[start:]


def body_stops(function: Function) -> tuple[str, ...]:
    """What begins a line that is no longer in the body, the most frequent first."""
    outer = _outer_indents(function)
    return tuple(f"\n{indent}{leave}" for leave in _LEAVES for indent in outer)


def test_prompt(function: Function) -> Prompt:
    """Asks for test lines, as CodeT and Chen et al. 2024 do; it ends within a statement, not after a blank."""
    return Prompt(
        f"{function.header.rstrip()}\n{function.indent}pass\n\n# check the correctness of {function.name}\nassert"
    )


def test_stops() -> tuple[str, ...]:
    return ("\ndef ", "\nclass ", "\nif __name__", "\n\n\n", "\n```", "\nprint(", "\nimport ", "\nfrom ", '\n"""')


def _outer_indents(function: Function) -> tuple[str, ...]:
    own = function.header[: len(function.header) - len(function.header.lstrip(" \t"))]
    return ("", own) if own else ("",)
