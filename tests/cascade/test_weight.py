"""What a text takes of a prompt's room is not less than its tokens."""

from __future__ import annotations

import base64
import inspect
import json
import random
import textwrap
from pathlib import Path

import llama_cpp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.prompts import CERTAIN_SHARE
from rung.cascade.weight import BYTES_A_TOKEN, weight


@given(st.text())
def test_a_text_weighs_its_bytes_at_least(text: str) -> None:
    assert weight(text) >= len(text.encode("utf-8", "replace"))


def test_ordinary_code_weighs_its_bytes() -> None:
    code = inspect.getsource(textwrap)
    assert weight(code) == len(code.encode())


@pytest.mark.real
def test_tables_of_numbers_and_signs_do_not_overrun_the_room_of_a_checkpoint(smollm2: Path) -> None:
    model = llama_cpp.Llama(str(smollm2), vocab_only=True, n_ctx=8, verbose=False)
    numbers = random.Random(1)
    texts = [
        json.dumps([[numbers.random() for _ in range(8)] for _ in range(20)]),
        "".join(f"0x{numbers.randrange(1 << 32):08x}, " for _ in range(100)),
        base64.b64encode(numbers.randbytes(1000)).decode(),
        "[{()}]!=<>" * 100,
        inspect.getsource(json),
    ]
    for text in texts:
        tokens = len(model.tokenize(text.encode(), add_bos=False))
        assert tokens <= weight(text) / BYTES_A_TOKEN / CERTAIN_SHARE, text[:40]
    model.close()
