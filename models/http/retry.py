"""When a request is sent again: only while nothing was received, and so nothing was paid."""

from __future__ import annotations

import asyncio

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential, wait_random

from rung.models.http.failures import Failure

_backoff = wait_exponential(multiplier=0.1, max=2.0) + wait_random(0.0, 0.1)


def retrying(deadline: float) -> AsyncRetrying:
    """As often as the failure allows, waiting as long as the server asks, within `deadline` (the loop's time).

    Where the wait does not fit into the time left, the failure is raised at once.
    """

    def over(state: RetryCallState) -> bool:
        failure = _failure(state)
        late = asyncio.get_running_loop().time() + state.upcoming_sleep >= deadline
        return failure is None or state.attempt_number >= failure.tries or late

    return AsyncRetrying(retry=retry_if_exception_type(Failure), wait=_wait, stop=over, reraise=True)


def _wait(state: RetryCallState) -> float:
    failure = _failure(state)
    backoff = _backoff(state)
    return max(backoff, failure.wait) if failure and failure.wait is not None else backoff


def _failure(state: RetryCallState) -> Failure | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, Failure) else None
