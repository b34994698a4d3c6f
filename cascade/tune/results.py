"""A study as a file, with what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from rung.cascade.tune.recording import RecordingError
from rung.cascade.tune.study import Study
from rung.cascade.whole_file import write_whole
from rung.models.price import Price


@dataclass(frozen=True, slots=True)
class RungUsed:
    """price_from: where the price comes from, for the reader. samples: of each problem, besides greedy ones.

    counted: whether its tokens were counted; otherwise they are estimates. seconds: of a call, on average.
    """

    name: str
    model: str
    price: Price
    price_from: str
    samples: int
    greedy: bool
    counted: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Speculative:
    """Speculative decoding of a pair of rungs: the target's greedy accuracy, and dollars a problem (section 4.4).

    hit: share of the target's tokens that the draft had right.
    """

    label: str
    accuracy: float
    dollars: float
    hit: float


@dataclass(frozen=True, slots=True)
class Results:
    """of: how many problems the set has; the study has those that every rung was recorded on. splits, seed: of it."""

    format: Literal["rung-study"]
    version: Literal[1]
    set: str
    of: int
    rungs: tuple[RungUsed, ...]
    splits: int
    subsets: int
    seed: int
    study: Study
    speculative: tuple[Speculative, ...] = ()


_FORM = TypeAdapter(Results)


def write(path: Path, results: Results) -> None:
    """Whole or not at all. Raises OSError."""
    write_whole(path, _FORM.dump_json(results, indent=1))


def read(path: Path) -> Results:
    """Raises RecordingError."""
    try:
        return _FORM.validate_json(path.read_bytes())
    except FileNotFoundError:
        raise RecordingError(f"{path} is not there; `rung tune run` makes it.") from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RecordingError(
            f"{path} is no study of this rung ({where}: {first['msg']}); `rung tune run` makes it anew."
        ) from None
