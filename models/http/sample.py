"""One sample while it streams: healed at its beginning, cut at its first stop string."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rung.models.http.heal import NOTHING, Cut
from rung.models.nth import nth
from rung.models.protocol import FinishReason, Sampling, Token, mean_probability
from rung.models.statement import StatementScanner
from rung.models.stop_begun import begun


@dataclass(frozen=True, slots=True)
class _Placed:
    """A token and where it lies in the raw text."""

    token: Token
    start: int
    end: int


class Sample:
    """Collects pieces; what it ends as does not hang on how the server cut the pieces.

    The stop string that is complete first ends the text, before its beginning; of two that are
    complete at once, the one that began first. finish_reason: set when nothing more can come.
    scanner: finds the end of the statement. Doubt needs log-probabilities, and so does `next_line`.
    """

    def __init__(self, cut: Cut, sampling: Sampling, scanner: StatementScanner | None = None) -> None:
        self.finish_reason: FinishReason | None = None
        self.server_finished = False
        self.pieces = 0
        self._cut = cut
        self._stops = tuple(stop for stop in sampling.stop if stop)
        self._stop_nth = stop_nth = sampling.stop_nth
        self._doubt = sampling.doubt
        self._scanner = scanner
        if scanner is not None and sampling.next_line > 0:
            scanner.goes_on = lambda length: self._mean_until(length) >= sampling.next_line
        self._beginnings = (*self._stops, stop_nth[0]) if stop_nth else self._stops
        self._reach = max((len(stop) for stop in self._beginnings), default=0)
        self._raw = ""
        self._begin: int | None = None
        self._end: int | None = None
        self._searched = 0
        self._scanned = 0
        self._judged = False
        self._placed: list[_Placed] = []
        self._released = 0

    @property
    def text(self) -> str:
        """Complete once `finish_reason` is set."""
        return "" if self._begin is None else self._raw[self._begin : self._end]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Those whose text is in `text`, at least in part."""
        return tuple(placed.token for placed in self._placed if self._inside(placed, len(self._raw)))

    @property
    def raw_bytes(self) -> int:
        """UTF-8 bytes that the server generated, with what was cut off."""
        return len(self._raw.encode())

    @property
    def raw_tokens(self) -> int:
        """Tokens that came with a log-probability."""
        return len(self._placed)

    def feed(self, text: str, tokens: Sequence[Token]) -> list[Token]:
        """A piece from the server; the tokens that are now known to be part of the text."""
        self._place(text, tokens)
        self._raw += text
        self.pieces += bool(text)
        if self.finish_reason is not None:
            return []
        self._settle(ended=False)
        return self._release()

    def finish(self, reason: FinishReason) -> list[Token]:
        """The server says that this was all; the last tokens of the text."""
        self.server_finished = True
        if self.finish_reason is not None:
            return []
        self._settle(ended=True)
        self.finish_reason = self.finish_reason or reason
        return self._release()

    def _place(self, text: str, tokens: Sequence[Token]) -> None:
        # a token's text may differ from the piece's (half a character, a stop string held back):
        # each piece sets the position anew
        at = len(self._raw)
        for token in tokens:
            self._placed.append(_Placed(token, at, at + len(token.text)))
            at += len(token.text)

    def _settle(self, *, ended: bool) -> None:
        if self._begin is None:
            self._begin = self._cut.begin(self._raw, ended=ended)
            if self._begin is None:
                return
            self._searched = self._begin
        if self._begin == NOTHING:
            self._end = self._begin
        else:
            self._end = self._first_stop(self._begin)
        doubted = self._doubted_end()
        if doubted is not None and (self._end is None or doubted <= self._end):
            self._end, self.finish_reason = doubted, FinishReason.DOUBT
        elif self._end is not None:
            self.finish_reason = FinishReason.STOP

    def _doubted_end(self) -> int | None:
        """The end of the last of the tokens that `doubt` judges, where their mean is too low."""
        if self._doubt is None or self._judged:
            return None
        count, least = self._doubt
        certain = self._certain()
        first = [placed for placed in self._placed if self._inside(placed, certain)][:count]
        if len(first) < count:
            return None
        self._judged = True
        return first[-1].end if mean_probability([placed.token for placed in first]) < least else None

    def _mean_until(self, length: int) -> float:
        """Of the tokens up to the one with the character behind the first `length` of the text."""
        begin = self._begin or 0
        return mean_probability(
            [placed.token for placed in self._placed if placed.end > begin and placed.start <= begin + length]
        )

    def _first_stop(self, begin: int) -> int | None:
        window = max(begin, self._searched - self._reach)
        self._searched = len(self._raw)
        found = [(at + len(stop), at) for stop in self._stops if (at := self._raw.find(stop, window)) >= 0]
        at = nth(self._raw[begin:], self._stop_nth)
        if at >= 0 and self._stop_nth is not None:
            found.append((begin + at + len(self._stop_nth[0]), begin + at))
        if self._scanner is not None:
            length = self._scanner.feed(self._raw[max(begin, self._scanned) :])
            self._scanned = len(self._raw)
            if length is not None:
                found.append((begin + length, begin + length))
        return min(found)[1] if found else None

    def _release(self) -> list[Token]:
        certain = self._certain()
        first = self._released
        while self._released < len(self._placed) and self._placed[self._released].start < certain:
            self._released += 1
        return [placed.token for placed in self._placed[first : self._released] if self._inside(placed, certain)]

    def _certain(self) -> int:
        """Up to where the text is settled: a stop string may just have begun."""
        if self._begin is None:
            return 0
        if self.finish_reason is not None:
            return len(self._raw) if self._end is None else self._end
        text = self._raw[self._begin :]
        return len(self._raw) - max((begun(stop, text) for stop in self._beginnings), default=0)

    def _inside(self, placed: _Placed, certain: int) -> bool:
        if self._begin is None:
            return False
        end = min(certain, len(self._raw) if self._end is None else self._end)
        if placed.start == placed.end:
            return self._begin <= placed.start < end
        return placed.start < end and placed.end > self._begin
