"""What the models are asked."""

from __future__ import annotations

from rung.cascade.ladder import Rung
from rung.cascade.retrieved import retrieved_lines
from rung.cascade.task import Function, Task, TaskKind
from rung.cascade.weight import BYTES_A_TOKEN, weight
from rung.models.protocol import Prompt

# Chen et al. 2024, section 3.2.
SAMPLING_TEMPERATURE = 0.8
LINE_TOKENS = 64
# A processor evaluates some hundred tokens a second, and the first answer in a file must come within its deadline.
LOCAL_LINE_PROMPT_TOKENS = 640
# Fill-in-the-middle puts the suffix behind the prefix, so that each keystroke has all of it evaluated again.
LOCAL_LINE_SUFFIX_TOKENS = 64
BODY_TOKENS = 256
TOKENS_A_TEST_LINE = 40
# The l-th of these in a test text begins its line l + 1: the first `assert` is the prompt's.
NEXT_TEST_LINE = "\nassert"

# Of a remote rung's context: a server refuses what is too long, and `weight` may be wrong by so much.
CERTAIN_SHARE = 0.85
# Always the same: how long the retrieved chunks are must not move the beginning of the rest. In a remote prompt
# they have a share. They stay in the cache of a local model, which cuts by itself.
RETRIEVED_SHARE = 0.35
LOCAL_LINE_RETRIEVED_TOKENS = 384
# A test text needs the signature and what the function is for, not all of a long docstring or class.
_TEST_PROMPT_CHARACTERS = 3000
_SUFFIX_SHARE = 4
_LEAVES = ("def ", "class ", "@", "if __name__", "#", "print(", "assert ", "import ", "from ", "```", "async def ")


def prompt_here(task: Task, rung: Rung, max_tokens: int) -> Prompt:
    """The text around the cursor that fits the rung's context, beginning where it began a keystroke before."""
    tokens = max(rung.context - max_tokens, rung.context // 2)
    if rung.remote:
        tokens = int(tokens * CERTAIN_SHARE)
    suffix_tokens = tokens // _SUFFIX_SHARE
    if task.kind is TaskKind.LINE and not rung.remote:
        tokens = min(tokens, LOCAL_LINE_PROMPT_TOKENS)
        suffix_tokens = min(suffix_tokens, LOCAL_LINE_SUFFIX_TOKENS)
    room, suffix_room = int(tokens * BYTES_A_TOKEN), int(suffix_tokens * BYTES_A_TOKEN)
    retrieved_room = 0
    if task.retrieved and rung.remote:
        retrieved_room = int(room * RETRIEVED_SHARE)
        room -= retrieved_room
    elif task.retrieved:
        retrieved_room = int(LOCAL_LINE_RETRIEVED_TOKENS * BYTES_A_TOKEN)
    room -= _set_aside(task.suffix, suffix_room)
    prefix = window(task.prefix, _characters(task.prefix[-room:], room))
    draft = task.rejected.text if task.rejected is not None else ""
    return Prompt(prefix, _beginning(task.suffix, suffix_room), draft, retrieved_lines(task, retrieved_room))


def window(text: str, limit: int) -> str:
    """The last `limit` characters at most and half of them at least, from the beginning of a line if one is near.

    The beginning moves in steps of a quarter of `limit`, so that the prompt's beginning, and with it
    the model's key-value cache, stays the same over most keystrokes.
    """
    if len(text) <= limit:
        return text
    step = max(limit // 4, 1)
    start = -(-(len(text) - limit) // step) * step
    line = text.find("\n", start, start + step)
    return text[line + 1 :] if line >= 0 else text[start:]


def _set_aside(suffix: str, room: int) -> int:
    """Room for a suffix of which at most `room` is kept.

    In steps, and not as many as are kept: lines of other lengths after the cursor must not move the prompt's beginning.
    """
    step = max(room // 4, 1)
    size = weight(suffix[:room])
    return min(-(-size // step) * step, room)


def _characters(text: str, room: int) -> int:
    """How many characters of such a text fill `room`."""
    size = weight(text)
    characters = room * len(text) // size if size else room
    # In steps, for `window`: a character more or less must not move the beginning of the prompt.
    step = max(room // 8, 1)
    return max(characters // step, 1) * step


def _beginning(text: str, room: int) -> str:
    """Whole lines from its start, so that nothing, such as a secret, is cut where it can no longer be recognized."""
    kept = text[: _characters(text[:room], room)]
    return kept if kept == text else kept[: kept.rfind("\n") + 1]


def body_stops(function: Function) -> tuple[str, ...]:
    """What begins a line that is no longer in the body, the most frequent first."""
    outer = _outer_indents(function)
    return tuple(f"\n{indent}{leave}" for leave in _LEAVES for indent in outer)


def test_prompt(function: Function) -> Prompt:
    """Asks for test lines, as CodeT and Chen et al. 2024 do; it ends within a statement, not after a blank."""
    enclosing, header = function.enclosing, function.header.rstrip()
    if len(enclosing) + len(header) > _TEST_PROMPT_CHARACTERS:
        enclosing = "".join(line + "\n" for line in enclosing.split("\n")[:1] if line)
        half = _TEST_PROMPT_CHARACTERS // 2
        header = header if len(header) <= 2 * half else f"{header[:half]}\n...\n{header[-half:]}"
    return Prompt(f"{enclosing}{header}\n{function.indent}pass\n\n# check the correctness of {function.name}\nassert")


def test_stops() -> tuple[str, ...]:
    return ("\ndef ", "\nclass ", "\nif __name__", "\n\n\n", "\n```", "\nprint(", "\nimport ", "\nfrom ", '\n"""')


def _outer_indents(function: Function) -> tuple[str, ...]:
    own = function.header[: len(function.header) - len(function.header.lstrip(" \t"))]
    return ("", own) if own else ("",)
