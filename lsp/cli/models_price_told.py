"""What `rung models price` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from rung.models.price import Price
from rung.models.throughput import Kind, Level, Measured, Plan, chosen, hours_per_million, split

_PIPED_WIDTH = 130
_FEW = 30  # answers: with fewer, the next measurement may well give another price
_LATE = 0.02  # seconds: from here on it is this machine that is measured
_CACHED = 0.05  # of the prompts' tokens; less is the beginning that all texts have in common


@dataclass(frozen=True, slots=True)
class Hardware:
    """usd_per_hour: of one GPU."""

    usd_per_hour: float
    gpus: int


def tell(measured: Measured, plan: Plan, hardware: Hardware) -> bool:
    """The table, what is wrong with it, and the price; whether there is one."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    if not measured.levels:
        console.print("Nothing was measured to its end.")
        return False
    console.print(_table(measured.levels, hardware))
    for note in _notes(measured):
        console.print(note, soft_wrap=True)
    best = chosen(measured.levels, plan.p95)
    if best is None:
        console.print(_no_price(measured.levels, plan), soft_wrap=True)
        return False
    console.print()
    for line in _price(best, measured.prompts, plan, hardware):
        console.print(line, soft_wrap=True)
    return True


def sentence(text: str) -> str:
    """The sentences of models begin with a rung's name, which a bare URL has not."""
    text = text.partition("': ")[2] or text
    return text[:1].upper() + text[1:]


def _table(levels: Sequence[Level], hardware: Hardware) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("AT ONCE", "REQUESTS", "FAILED", "PROMPT\ntokens/s", "GENERATED\ntokens/s"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("FIRST TOKEN", "LINE", "FUNCTION"):
        table.add_column(f"{column}\np50, p95 ms", justify="right", no_wrap=True)
    table.add_column("$ PER MILLION\ngenerated", justify="right", no_wrap=True)
    for level in levels:
        table.add_row(
            str(level.concurrency),
            str(len(level.answers)),
            str(level.failed),
            f"{level.prompt_a_second:,.0f}",
            f"{level.generated_a_second:,.1f}",
            _both(level.first_token(0.5), level.first_token(0.95)),
            _both(level.whole(Kind.LINE, 0.5), level.whole(Kind.LINE, 0.95)),
            _both(level.whole(Kind.FUNCTION, 0.5), level.whole(Kind.FUNCTION, 0.95)),
            _plain(_of_generated(level, hardware)) if level.sound and level.generated else "",
        )
    return table


def _both(half: float | None, most: float | None) -> str:
    return "" if half is None or most is None else f"{half * 1000:,.0f}, {most * 1000:,.0f}"


def _notes(measured: Measured) -> Iterator[str]:
    levels = [*measured.levels, *([measured.prompts] if measured.prompts else [])]
    failures: Counter[str] = sum((level.failures for level in levels), Counter())
    for text, count in failures.most_common():
        yield f"{count} failed: {sentence(text)}"
    late = dict.fromkeys(str(level.concurrency) for level in levels if level.late > _LATE)
    if late:
        yield (
            f"With {', '.join(late)} at once this machine was too busy to read answers as they came "
            f"({max(level.late for level in levels) * 1000:,.0f} ms late): the server may be faster; measure elsewhere."
        )
    read, cached = sum(level.prompt for level in levels), sum(level.cached for level in levels)
    if cached > _CACHED * read:
        yield f"The server had {cached / read:.0%} of the prompts' tokens in its cache; prompts cost more without."


def _no_price(levels: Sequence[Level], plan: Plan) -> str:
    fastest = min((p95 for level in levels if level.sound and (p95 := level.whole(Kind.LINE, 0.95))), default=None)
    if plan.p95 is not None and fastest is not None:
        return (
            f"No price: 95% of the lines came within {fastest * 1000:,.0f} ms at best, not within "
            f"{plan.p95 * 1000:,.0f}; allow more with --p95-ms, or take a faster server."
        )
    return "No price: too many requests failed, or nothing was generated; see the server's log."


def _price(best: Level, prompts: Level | None, plan: Plan, hardware: Hardware) -> Iterator[str]:
    """The keys of a rung's configuration, ready to be copied."""
    why = "the best throughput" if plan.p95 is None else f"the best with lines within {plan.p95 * 1000:,.0f} ms"
    usd, gpus = hardware.usd_per_hour, hardware.gpus
    yield f"{best.concurrency} at once is {why}. For a rung's configuration, one of the two:"
    if len(best.answers) < _FEW:
        yield f"    # it rests on {len(best.answers)} requests: measure again with more --seconds"
    keys = f"{{hours_per_million: {_plain(hours_per_million(best))}, gpus: {gpus}, usd_per_gpu_hour: {_plain(usd)}}}"
    yield f"    price: {keys}  # all of the time is paid by generated tokens: ${_plain(_of_generated(best, hardware))}"
    both = split(best, prompts, usd * gpus) if prompts is not None else None
    if both is None:
        yield "    # no price of prompts: what they take of the time could not be measured"
        return
    keys = f"{{input: {_plain(both.price.input_usd)}, output: {_plain(both.price.output_usd)}}}"
    yield f"    price: {keys}  # prompts pay for themselves: {both.prompt_share:.0%} of the time"


def _of_generated(level: Level, hardware: Hardware) -> float:
    return Price.from_hardware(hours_per_million(level), hardware.gpus, hardware.usd_per_hour).output_usd


def _plain(value: float) -> str:
    """Four digits that count, without an exponent, which YAML may take for text."""
    return f"{Decimal(f'{value:.4g}'):f}"
