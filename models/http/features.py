"""What a server does not know, found out by asking and then remembered."""

from __future__ import annotations

import re
from enum import StrEnum

from rung.models.http.failures import Failure


class Feature(StrEnum):
    """Parts of a request that a server may refuse, in the order in which they are given up."""

    PREDICTION = "prediction"
    LOGPROBS = "logprobs"
    N = "n"
    STREAM_OPTIONS = "stream_options"


class Features:
    """Of one server. A feature that was in a request that succeeded is not suspected later, unless named.

    A server that ignores `n`, or allows fewer (llama-server: as many as it has slots), is not
    asked for more than it gives.
    """

    def __init__(self) -> None:
        self.refused: set[Feature] = set()
        self._accepted: set[Feature] = set()
        self._largest_n: int | None = None

    def n(self, wanted: int) -> int:
        """How many samples to ask for in one request."""
        return wanted if self._largest_n is None else min(wanted, self._largest_n)

    def succeeded(self, sent: set[Feature], dropped: Feature | None, asked: int, got: int) -> None:
        """A request with `sent` gave `got` of `asked` samples, after `dropped` was left out of it or made smaller."""
        self._accepted |= sent
        if got < asked or dropped is Feature.N:
            self._largest_n = got
        if dropped and dropped is not Feature.N:
            self.refused.add(dropped)

    def suspect(self, sent: set[Feature], failure: Failure) -> Feature | None:
        """Which part of the request to leave out and ask again; None: the failure has another cause."""
        if failure.fell_silent:
            # llama-cpp-python's server without logits_all says 200 and closes the connection
            untried = Feature.LOGPROBS in sent - self._accepted
            return Feature.LOGPROBS if untried else None
        if failure.status not in (400, 422, 500, 501):
            return None
        named = (feature for feature in Feature if feature in sent and _names(feature, failure))
        if feature := next(named, None):
            return feature
        if failure.status == 500 or re.search(r"context|too long|exceed|maximum", failure.message, re.IGNORECASE):
            return None
        return next((feature for feature in Feature if feature in sent - self._accepted), None)


def _names(feature: Feature, failure: Failure) -> bool:
    if failure.param == feature:
        return True
    # a lone n is a letter of any message: it counts in quotes only
    pattern = rf"['\"`]{feature}['\"`]" if feature is Feature.N else rf"\b{feature}\b"
    return re.search(pattern, failure.message) is not None
