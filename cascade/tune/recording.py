"""The file format of recordings: what a rung wrote for each problem of a set. docs/tuning.md describes it.

JSON Lines, UTF-8. The first line is the header; each further one is one call to the rung, written whole and at once, so
that a process that dies leaves at most one torn line, at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from rung.models.price import Price

FORMAT, VERSION = "rung-recording", 1


class RecordingError(Exception):
    """A recording cannot be used; the message is a sentence that names the file, and the line where there is one."""


class Part(StrEnum):
    """What a call asked for."""

    GREEDY_SOLUTION = "greedy_solution"
    GREEDY_TEST = "greedy_test"
    SOLUTIONS = "solutions"
    TESTS = "tests"

    @property
    def of_tests(self) -> bool:
        return self in (Part.GREEDY_TEST, Part.TESTS)

    @property
    def greedy(self) -> bool:
        return self in (Part.GREEDY_SOLUTION, Part.GREEDY_TEST)


@dataclass(frozen=True, slots=True)
class Header:
    """What all of a recording has in common.

    set, problems, digest: the set's name, how many problems it has, and its content's hash.
    k, l: texts of one call, and the lines that a test text has room for. greedy: whether greedy texts are recorded too.
    price: of the rung's tokens. seed: of the samples; None for a recording that others made.
    """

    set: str
    problems: int
    digest: str
    rung: str
    model: str
    k: int
    l: int  # noqa: E741  the paper's name
    greedy: bool
    temperature: float
    body_tokens: int
    line_tokens: int
    price: Price
    seed: int | None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Those that each problem has."""
        sampled = (Part.SOLUTIONS, Part.TESTS)
        return (Part.GREEDY_SOLUTION, Part.GREEDY_TEST, *sampled) if self.greedy else sampled


@dataclass(frozen=True, slots=True)
class Sample:
    """A text as the rung wrote it; a test text continues after `assert`.

    tokens, logprobs: one each for each generated token, or none where the rung does not tell them. prompt: tokens of
    the prompt that were paid for with it. generated: tokens. counted: False where these are estimates.
    seconds: from the call to the end of this sample.
    """

    text: str
    tokens: tuple[str, ...]
    logprobs: tuple[float, ...]
    finish: str
    prompt: int
    generated: int
    counted: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One call. usd: what it cost. seconds: from the call to the end of its last sample."""

    problem: str
    part: Part
    samples: tuple[Sample, ...]
    usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Recording:
    """entries: by problem and part."""

    header: Header
    entries: Mapping[tuple[str, Part], Entry]

    def complete(self, problem: str) -> bool:
        """Whether all parts of this problem are there."""
        return all((problem, part) in self.entries for part in self.header.parts)


def header_line(header: Header) -> bytes:
    return json_line({"format": FORMAT, "version": VERSION, **asdict(header)})


def entry_line(entry: Entry) -> bytes:
    return json_line(asdict(entry))


def read(path: Path) -> Recording:
    """A torn last line, of a recording that was killed, counts for nothing. Raises RecordingError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}.") from None
    return parse(path, whole_lines(content))


def whole_lines(content: bytes) -> bytes:
    """Up to the last line break."""
    return content[: content.rfind(b"\n") + 1]


def parse(path: Path, content: bytes) -> Recording:
    """path: for messages. Raises RecordingError."""
    first, *others = content.splitlines() or [b""]
    header = _header(path, first)
    entries = {}
    for number, line in enumerate(others, 2):
        entry = _entry(path, number, line, header)
        if (entry.problem, entry.part) in entries:
            raise RecordingError(f"{path}, line {number}: {entry.part} of {entry.problem} is there twice.")
        entries[entry.problem, entry.part] = entry
    return Recording(header, entries)


def _header(path: Path, line: bytes) -> Header:
    row = json_object(path, 1, line)
    if row.get("format") != FORMAT:
        raise RecordingError(f"{path} is no recording of rung: its first line does not say so.")
    if row.get("version") != VERSION:
        raise RecordingError(
            f"{path} has version {row.get('version')!r} of the format, and this rung reads {VERSION}; update rung."
        )
    try:
        values = {field.name: row[field.name] for field in fields(Header)}
        price = Price(**values.pop("price"))
        header = Header(**values, price=price)
        _check(header)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{path}, line 1: the header is damaged ({error}).") from None
    return header


def _check(header: Header) -> None:
    kinds: dict[type, Iterable[Any]] = {
        str: (header.set, header.digest, header.rung, header.model),
        int: (header.problems, header.k, header.l, header.body_tokens, header.line_tokens),
        bool: (header.greedy,),
    }
    for kind, values in kinds.items():
        for value in values:
            if type(value) is not kind:
                raise ValueError(f"{value!r} is not of type {kind.__name__}")
    for number in (header.temperature, header.price.input_usd, header.price.output_usd):
        if not isinstance(number, int | float) or number < 0:
            raise ValueError(f"{number!r} is no number of 0 or more")
    if header.k < 1 or header.l < 1:
        raise ValueError("k and l are at least 1")


def _entry(path: Path, number: int, line: bytes, header: Header) -> Entry:
    row = json_object(path, number, line)
    try:
        part = Part(row["part"])
        samples = tuple(_sample(each) for each in row["samples"])
        entry = Entry(str(row["problem"]), part, samples, float(row["usd"]), float(row["seconds"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{path}, line {number} is no call of a recording ({error}).") from None
    if part not in header.parts or len(samples) != (1 if part.greedy else header.k):
        raise RecordingError(f"{path}, line {number}: {len(samples)} texts of {part} do not fit the header.")
    return entry


def _sample(row: dict[str, Any]) -> Sample:
    tokens, logprobs = tuple(map(str, row["tokens"])), tuple(map(float, row["logprobs"]))
    if len(tokens) != len(logprobs):
        raise ValueError("not one log-probability for each token")
    return Sample(
        str(row["text"]),
        tokens,
        logprobs,
        str(row["finish"]),
        int(row["prompt"]),
        int(row["generated"]),
        bool(row["counted"]),
        float(row["seconds"]),
    )


def json_object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    """A line of the file. path, number: for messages. Raises RecordingError."""
    try:
        row = json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise RecordingError(f"{path}, line {number} is no object of JSON: the file is damaged.")
    return row


def json_line(row: dict[str, Any]) -> bytes:
    """With its line end; half surrogates survive."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"
