"""What a reservation holds, and for how long."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from rung.cascade.budget import Budget, Limits, Refusal, Reservation, Spent
from rung.cascade.budget.windows import local_day
from rung.cascade.telemetry import Database
from rung.models.protocol import Usage

NOON = datetime(2026, 7, 1, 12).timestamp()
HOUR = 3600.0


class Ledger:
    """Budgets over one file, with a clock that is set."""

    def __init__(self, database: Database, root: Path) -> None:
        self.database = database
        self.root = root
        self.now = NOON
        self.told: list[str] = []

    def budget(
        self,
        usd: float | None = None,
        tokens: int | None = None,
        escalations: int | None = None,
        project: Path | None = None,
    ) -> Budget:
        limits = Limits(usd, tokens, escalations)
        return Budget(self.database, limits, project or self.root, tell=self.told.append, now=lambda: self.now)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    database = Database(tmp_path / "rung.db")
    yield Ledger(database, tmp_path)
    await database.close()


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    if not hasattr(time, "tzset"):
        pytest.skip("the zone cannot be set on this platform")

    def set_it(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield set_it
    monkeypatch.undo()
    time.tzset()


async def reserve(budget: Budget, usd: float = 0.0, tokens: int = 0) -> Reservation | Refusal:
    return await budget.reserve("r1", "large", tokens=tokens, usd=usd, expires_s=60)


async def granted(budget: Budget, usd: float = 0.0, tokens: int = 0) -> Reservation:
    reservation = await reserve(budget, usd, tokens)
    assert isinstance(reservation, Reservation)
    return reservation


async def reason(budget: Budget, usd: float = 0.0, tokens: int = 0) -> str:
    refusal = await reserve(budget, usd, tokens)
    assert isinstance(refusal, Refusal)
    return refusal.reason


async def spent(budget: Budget) -> tuple[float, int, int]:
    found = await budget.spent()
    assert isinstance(found, Spent)
    return found.usd_today, found.tokens_today, found.escalations_this_hour


async def state(ledger: Ledger) -> list[str]:
    return await ledger.database.read(
        lambda connection: [row[0] for row in connection.execute("SELECT state FROM ledger ORDER BY id")]
    )


async def test_money_is_spent_to_the_last_cent_and_not_beyond(ledger: Ledger) -> None:
    budget = ledger.budget(usd=0.3)
    for _ in range(3):
        await granted(budget, 0.1)
    assert await reason(budget, 0.1) == (
        "large was not asked: it may cost 0.1000 $, and 0.0000 $ are left of this project's 0.3 $ a day; "
        "raise usd_per_day or wait for midnight."
    )
    assert await spent(budget) == (0.3, 0, 3)


async def test_tokens_and_escalations_have_limits_of_their_own(ledger: Ledger) -> None:
    await granted(ledger.budget(tokens=100), tokens=60)
    assert "it may take 60 tokens, and 40 are left" in await reason(ledger.budget(tokens=100), tokens=60)
    assert "the 1 escalations an hour of this project are used up" in await reason(ledger.budget(escalations=1))


async def test_settling_puts_what_was_counted_in_the_place_of_the_bound_even_if_it_is_more(ledger: Ledger) -> None:
    budget = ledger.budget(usd=1.0)
    less, more = await granted(budget, 0.5, 500), await granted(budget, 0.5, 500)
    await less.settle(Usage(prompt=30, cached=20, generated=10), 0.1)
    assert await spent(budget) == (0.6, 540, 2)
    await more.settle(Usage(prompt=300, generated=300), 1.5)
    assert await spent(budget) == (1.6, 640, 2)
    assert "0.0000 $ are left" in await reason(budget, 0.1)
    await granted(budget, 0.0)  # a rung that costs nothing is not stopped by money


async def test_a_released_reservation_counts_as_nothing(ledger: Ledger) -> None:
    budget = ledger.budget(usd=1.0, escalations=1)
    reservation = await granted(budget, 1.0, 100)
    await reservation.release()
    assert await spent(budget) == (0, 0, 0)
    await granted(budget, 1.0)


async def test_the_first_end_of_a_reservation_counts(ledger: Ledger) -> None:
    budget = ledger.budget(usd=1.0)
    reservation = await granted(budget, 0.5)
    await reservation.settle(Usage(1, 0, 1), 0.25)
    await reservation.release()
    await reservation.settle(Usage(9, 0, 9), 0.75)
    assert await spent(budget) == (0.25, 2, 1)


async def test_what_a_crashed_process_reserved_stays_spent_and_a_late_settlement_still_counts(ledger: Ledger) -> None:
    budget = ledger.budget(usd=1.0)
    late = await granted(budget, 0.75, 10)
    ledger.now += 61
    assert await spent(budget) == (0.75, 10, 1)
    assert await state(ledger) == ["expired"]
    await late.settle(Usage(1, 0, 1), 0.5)
    assert await spent(budget) == (0.5, 2, 1)
    assert await state(ledger) == ["settled"]


@pytest.mark.parametrize("usd", [float("nan"), float("inf"), -1.0])
async def test_a_price_that_cannot_be_is_refused_before_and_keeps_the_bound_after(ledger: Ledger, usd: float) -> None:
    budget = ledger.budget(usd=1.0)
    assert "cannot be checked" in await reason(budget, usd)
    reservation = await granted(budget, 0.5, 5)
    await reservation.settle(Usage(1, 0, 1), usd)
    assert await spent(budget) == (0.5, 5, 1)
    assert len(ledger.told) == 1


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf")])
def test_a_limit_is_a_finite_amount(limit: float) -> None:
    with pytest.raises(ValueError, match="A budget is 0 or more"):
        Limits(usd_per_day=limit)


async def test_a_limit_of_nothing_allows_nothing_that_costs(ledger: Ledger) -> None:
    assert "0.0000 $ are left" in await reason(ledger.budget(usd=0.0), 0.000001)
    assert "are used up" in await reason(ledger.budget(escalations=0))


async def test_projects_have_budgets_of_their_own_and_a_link_to_one_is_that_one(ledger: Ledger, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    await granted(ledger.budget(usd=1.0, project=tmp_path / "one"), 1.0)
    await granted(ledger.budget(usd=1.0, project=tmp_path / "two"), 1.0)
    await reason(ledger.budget(usd=1.0, project=tmp_path / "link"), 1.0)
    outside = Budget(ledger.database, Limits(usd_per_day=1.0), None, now=lambda: ledger.now)
    await granted(outside, 1.0)
    await reason(outside, 1.0)


async def test_a_new_day_has_its_own_money_and_the_day_of_the_reservation_pays(ledger: Ledger) -> None:
    budget = ledger.budget(usd=1.0)
    ledger.now = datetime(2026, 7, 1, 23, 59, 30).timestamp()
    evening = await granted(budget, 1.0)
    ledger.now += 31
    assert await spent(budget) == (0, 0, 1)
    await granted(budget, 1.0)
    await evening.settle(Usage(1, 0, 1), 5.0)
    assert (await spent(budget))[0] == 1.0


async def test_escalations_are_of_any_sixty_minutes(ledger: Ledger) -> None:
    budget = ledger.budget(escalations=1)
    await granted(budget)
    ledger.now += HOUR - 1
    await reason(budget)
    ledger.now += 1
    await granted(budget)


async def test_a_clock_that_is_set_back_gives_no_money_back_and_one_from_the_future_takes_none(ledger: Ledger) -> None:
    budget = ledger.budget(usd=1.0, escalations=1)
    await granted(budget, 1.0)
    ledger.now -= HOUR / 2
    assert await spent(budget) == (1.0, 0, 1)
    ledger.now -= 3 * 365 * 24 * HOUR
    assert await spent(budget) == (0, 0, 0)


def test_a_day_is_as_long_as_the_zone_says(set_zone: Callable[[str], None]) -> None:
    set_zone("Europe/Berlin")
    assert local_day(datetime(2026, 3, 29, 12).timestamp()) == ("2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z")
    assert local_day(datetime(2026, 10, 25, 12).timestamp()) == ("2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z")
    set_zone("America/Santiago")  # the clock jumps from 24:00 to 01:00: this day has no midnight
    first, after = local_day(datetime(2026, 9, 6, 12).timestamp())
    assert (first, after) == ("2026-09-06T04:00:00.000Z", "2026-09-07T03:00:00.000Z")


async def test_a_budget_that_cannot_be_checked_refuses_and_says_why(ledger: Ledger) -> None:
    await granted(ledger.budget(usd=1.0), 0.1)
    other = sqlite3.connect(ledger.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    sentence = await reason(ledger.budget(usd=1.0), 0.1)
    assert sentence.startswith("large was not asked because its budget cannot be checked: The database ")
    assert await ledger.budget(usd=1.0).spent() is None
    other.execute("ROLLBACK")
    other.close()
    assert (await spent(ledger.budget(usd=1.0)))[0] == 0.1


async def test_without_any_limit_a_broken_ledger_is_told_once_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "rung.db").write_bytes(b"no database" * 1000)
    ledger = Ledger(Database(tmp_path / "rung.db"), tmp_path)
    budget = ledger.budget()
    for _ in range(2):
        reservation = await granted(budget, 1.0)
        await reservation.settle(Usage(1, 0, 1), 1.0)
    assert len(ledger.told) == 1
    await ledger.database.close()


async def test_what_nobody_waits_for_any_more_is_given_back(ledger: Ledger) -> None:
    budget = ledger.budget(usd=1.0)
    began, go_on = threading.Event(), threading.Event()

    def block(connection: sqlite3.Connection) -> None:
        began.set()
        go_on.wait(10)

    blocking = asyncio.create_task(ledger.database.read(block))
    await asyncio.to_thread(began.wait, 10)
    cancelled = asyncio.create_task(reserve(budget, 1.0))
    await asyncio.sleep(0)  # it has begun
    cancelled.cancel()
    await asyncio.wait([cancelled])
    assert cancelled.cancelled()
    assert "did not answer within" in await reason(budget, 1.0)
    go_on.set()
    await blocking
    async with asyncio.timeout(10):
        while await state(ledger) != ["released"]:
            pass
    assert await spent(budget) == (0, 0, 0)
