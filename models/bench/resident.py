"""How much memory processes hold, as Linux counts it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rung.models.bench.work import ContestantMissing

_PROC = Path("/proc")
_KB = 1024


@dataclass(frozen=True, slots=True)
class Resident:
    """Bytes. rss: everything that is in memory, weights that are mapped from the checkpoint included; what several
    processes share counts in each. pss: shared pages divided among all who map them. weights: the part of `rss` that is
    mapped from the checkpoint, which the system could drop and read again.
    """

    rss: int
    pss: int
    weights: int

    def __add__(self, other: Resident) -> Resident:
        return Resident(self.rss + other.rss, self.pss + other.pss, self.weights + other.weights)


NOTHING = Resident(0, 0, 0)


def resident(pid: int, checkpoint: Path) -> Resident:
    """Raises ContestantMissing where there is no /proc/PID/smaps, and ProcessLookupError where the process is gone."""
    path = _PROC / str(pid) / "smaps"
    try:
        return read_smaps(path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(), checkpoint)
    except FileNotFoundError:
        if (_PROC / "self" / "smaps").exists():
            raise ProcessLookupError(pid) from None
        raise ContestantMissing("Memory is left out: only Linux tells it, in /proc/PID/smaps.") from None


def read_smaps(lines: Iterable[str], checkpoint: Path) -> Resident:
    """The sums over all mappings."""
    rss = pss = weights = 0
    of_checkpoint = False
    for line in lines:
        head, _, rest = line.partition(" ")
        if not head.endswith(":"):  # a mapping begins: its addresses, and at the end of the line its file
            of_checkpoint = line.endswith(f" {checkpoint}")
        elif head == "Rss:":
            rss += int(rest.split()[0]) * _KB
            weights += int(rest.split()[0]) * _KB if of_checkpoint else 0
        elif head == "Pss:":
            pss += int(rest.split()[0]) * _KB
    return Resident(rss, pss, weights)
