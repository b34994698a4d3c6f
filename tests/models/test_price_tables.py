"""The tables of Chen et al. 2024: what tokens cost by hours and GPUs, and what speculative decoding changes."""

from __future__ import annotations

import pytest

from rung.cascade.tune.speculation import cost_reduction
from rung.models.price import MILLION, Price
from rung.models.protocol import Usage

USD_PER_GPU_HOUR = 0.44  # an RTX 3090 in 2023
TABLE_2 = [
    ("WizardCoder-Python-V1.0 7B", 2, 2.17, 1.91),
    ("WizardCoder-Python-V1.0 13B", 4, 3.78, 6.65),
    ("WizardCoder-Python-V1.0 34B", 8, 5.75, 20.24),
    ("WizardCoder-V1.0 1B", 1, 0.31, 0.13),
    ("WizardCoder-V1.0 3B", 1, 0.58, 0.26),
    ("WizardCoder-V1.0 15B", 2, 1.97, 1.74),
    ("Codegen-mono 350M", 1, 2.36, 1.04),
    ("Codegen-mono 2B", 1, 5.97, 2.63),
    ("Codegen-mono 6B", 2, 6.44, 5.67),
    ("Codegen-mono 16B", 4, 9.00, 15.84),
]


@pytest.mark.parametrize(("name", "gpus", "hours", "usd"), TABLE_2)
def test_table_2_follows_from_its_hours_and_gpus(name: str, gpus: int, hours: float, usd: float) -> None:
    price = Price.from_hardware(hours, gpus, USD_PER_GPU_HOUR)
    # The paper's hours have two decimals: half of the last one, times GPUs and $, is what the dollars may differ by.
    assert price.of(Usage(generated=MILLION)) == pytest.approx(usd, abs=0.005 * gpus * USD_PER_GPU_HOUR + 0.005), name
    assert price.of(Usage(prompt=MILLION)) == 0


@pytest.mark.parametrize(("speculative", "reduction", "alone"), [(37.1, 0.031, 38.29), (5.57, 0.152, 6.57)])
def test_table_3_is_the_share_that_speculative_decoding_takes_off(
    speculative: float, reduction: float, alone: float
) -> None:
    """The paper gives $ per million tokens and the reduction; the target's price alone follows."""
    assert cost_reduction(alone, speculative) == pytest.approx(reduction, abs=0.001)


def test_an_api_price_counts_both_kinds_of_tokens() -> None:
    assert Price(0.1, 0.4).of(Usage(prompt=2 * MILLION, generated=MILLION)) == pytest.approx(0.6)
