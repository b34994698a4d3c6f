# ruff: noqa: E501  one program and one test a line
"""What a test may ask of a solution: data by value, the rest by reference, and no judgement of itself."""

from __future__ import annotations

import pytest

from rung.cascade.sandbox import Limits, Sandbox, Verdict


@pytest.mark.parametrize(
    ("solution", "test"),
    [
        pytest.param("def f(a): a.append(1)", "a = []\nf(a)\nassert a == [1]", id="list mutated"),
        pytest.param("def f(a): a[0].append(1)", "b = []\nf([b, b])\nassert b == [1]", id="inner list mutated"),
        pytest.param("def f(d): d['k'] = d.pop('a')", "d = {'a': 1}\nf(d)\nassert d == {'k': 1}", id="dict mutated"),
        pytest.param("def f(s): s.add(2); s.discard(1)", "s = {1}\nf(s)\nassert s == {2}", id="set mutated"),
        pytest.param("def f(a): a.sort(); return a", "a = [2, 1]\nassert f(a) is a and a == [1, 2]", id="same list"),
        pytest.param("def f(a):\n a.append(1)\n raise ValueError", "a = []\ntry: f(a)\nexcept ValueError: pass\nassert a == [1]", id="mutated, then raised"),
        pytest.param("def f(a): a.append(a)", "a = []\nf(a)\nassert a[0] is a", id="cycle"),
        pytest.param("def f(n):\n yield from range(n)", "assert list(f(3)) == [0, 1, 2]", id="generator"),
        pytest.param("import itertools\ndef f(): return itertools.count()", "g = f()\nassert [next(g) for _ in range(1000)][-1] == 999", id="endless iterator"),
        pytest.param("def f():\n yield 1\n raise KeyError('k')", "g = f()\nassert next(g) == 1\ntry: next(g)\nexcept KeyError as e: assert e.args == ('k',)\nelse: assert False", id="generator that raises"),
        pytest.param("def f(a): return map(str, a)", "assert list(f([1, 2])) == ['1', '2']", id="map"),
        pytest.param("def f(d): return d.keys()", "assert f({'a': 1}) == {'a'}", id="keys"),
        pytest.param("def f(n): return lambda x: x + n", "assert f(2)(3) == 5", id="closure"),
        pytest.param("def f(g, a): return [g(x) for x in a]", "assert f(lambda x: x * 2, [1, 2]) == [2, 4]", id="lambda as argument"),
        pytest.param("def f(g, a): return [g(x) for x in a]", "assert f(str, [1]) == ['1']", id="type as argument"),
        pytest.param("def f(g): return g(g)", "assert f(lambda h: h is not None)", id="lambda given back"),
        pytest.param("def f(it): return sum(it)", "assert f(x for x in range(4)) == 6", id="generator as argument"),
        pytest.param("def f(g):\n try: g()\n except ZeroDivisionError: return 'caught'", "assert f(lambda: 1 / 0) == 'caught'", id="lambda that raises"),
        pytest.param("class E(ValueError): pass\ndef f(): raise E('no', 1)", "try: f()\nexcept ValueError as e: assert e.args == ('no', 1)\nelse: assert False", id="own exception"),
        pytest.param("def f(): b'\\xff'.decode()", "try: f()\nexcept UnicodeDecodeError: pass\nelse: assert False", id="exception with odd arguments"),
        pytest.param("def f(x, *, k=0, **kw): return x, k, kw", "assert f(1, k=2, z=3) == (1, 2, {'z': 3})", id="keywords"),
        pytest.param("class Stack:\n def __init__(self): self.items = []\n def push(self, x): self.items.append(x); return self\n def __len__(self): return len(self.items)", "s = Stack()\nassert s.push(1).push(2).items == [1, 2] and len(s) == 2", id="class"),
        pytest.param("class Node:\n def __init__(self, v, n=None): self.v, self.n = v, n\ndef f(n): return n.n.v", "a = Node(1)\na.n = Node(2)\nassert f(a) == 2", id="objects as arguments"),
        pytest.param("import re\ndef f(s): return re.match('a', s)", "assert f('abc') and not f('x')", id="truth of an object"),
        pytest.param("import math\ndef f(x): return x / 3", "assert math.isclose(f(1), 0.333333333333)", id="a module of the solution"),
        pytest.param("LIMIT = 3\ndef f(x): return min(x, LIMIT)", "assert f(9) == LIMIT", id="a constant of the solution"),
        pytest.param("from collections import Counter\ndef f(s): return Counter(s)", "assert f('aab') == {'a': 2, 'b': 1}", id="Counter"),
        pytest.param("def sum(a, b): return a + b", "assert sum(10, 15) == 25", id="a function named as a builtin"),
        pytest.param("def f(x): return g(x)\ndef g(x): return x + 1", "assert f(1) == g(1)", id="two functions"),
        pytest.param("def f(): return 10 ** 5000", "assert f() == 10 ** 5000", id="a large number"),
        pytest.param("import random\ndef f(): print('x' * 100); return input", "assert callable(f())", id="a builtin function"),
        pytest.param("def f(x): return x + 1", "def check(candidate):\n    assert candidate(1) == 2\ncheck(f)", id="check(candidate)"),
        pytest.param("def f(p): return open(p).read()", "open('/tmp/a', 'w').write('x')\nassert f('/tmp/a') == 'x'", id="a file"),
    ],
)  # fmt: skip
async def test_right_code_passes(sandbox: Sandbox, solution: str, test: str) -> None:
    matrix = await sandbox.run([solution], [test], Limits(test_s=5))
    assert matrix.verdicts == ((Verdict.PASSED,),)


_EQUAL = "class Equal:\n def __eq__(self, o): return True\n def __getattr__(self, n): return lambda *a: True\n"


@pytest.mark.parametrize(
    ("solution", "test", "verdict"),
    [
        (_EQUAL + "def f(x): return Equal()", "assert f(1) == 2", Verdict.ERROR),
        (_EQUAL + "def f(x): return Equal()", "assert 2 == f(1)", Verdict.ERROR),
        (_EQUAL + "def f(x): return Equal()", "assert f(1) in [2]", Verdict.ERROR),
        (_EQUAL + "def f(x): return [Equal()]", "assert f(1) == [2]", Verdict.ERROR),
        (_EQUAL + "def f(x): return Equal()", "assert f(1).startswith('a')", Verdict.ERROR),
        (_EQUAL + "f = Equal", "assert f().startswith('a')", Verdict.ERROR),
        ("class I(int):\n def __eq__(self, o): return True\ndef f(x): return I(1)", "assert f(1) == 2", Verdict.ERROR),
        ("def f(x): return 1\ndef abs(x): return 0", "assert abs(f(1) - 2) < 1e-6", Verdict.FAILED),
        ("def f(x): return 1\ndef all(x): return True", "assert all([f(1) == 2])", Verdict.FAILED),
        (
            "class math:\n isclose = lambda *a: True\ndef f(x): return 1",
            "import math\nassert math.isclose(f(1), 2)",
            Verdict.FAILED,
        ),
        (
            "import types, sys\nmath = types.ModuleType('math')\nmath.isclose = lambda *a: True\ndef f(x): return 1",
            "assert math.isclose(f(1), 2)",
            Verdict.FAILED,
        ),
        (
            "def sum(a, b): return 1\ndef abs(x): return 0",
            "assert abs(sum(1, 2) - 3) < 1e-6",
            Verdict.ERROR,
        ),
        (
            "def f(x): raise StopIteration",
            "assert all(map(lambda x: f(x) == x + 1, [1, 2]))",
            Verdict.ERROR,
        ),
        ("from unittest.mock import ANY as f", "assert f == 2", Verdict.ERROR),
        ("def f(x): return object()", "assert f(1) != 2", Verdict.ERROR),
        ("def f(x): return 1", "try: f(object())\nexcept BaseException: pass", Verdict.ERROR),
        ("def f(x): return [0] * 3_000_000", "try: f(1)\nexcept BaseException: pass", Verdict.ERROR),
        ("import os\ndef f(x): os._exit(0)", "try: f(1)\nexcept BaseException: pass", Verdict.KILLED),
        ("def f(x): return True", "assert f(1) is not True", Verdict.FAILED),
        ("def f(x): return 1", "assert f(1) is True", Verdict.FAILED),
    ],
)
async def test_a_solution_cannot_judge_itself(sandbox: Sandbox, solution: str, test: str, verdict: Verdict) -> None:
    matrix = await sandbox.run([solution], [test], Limits(test_s=5))
    assert matrix.verdicts == ((verdict,),)


_LIAR = """
import json, os, struct
for fd in range(3, 64):
    try: os.fstat(fd); break
    except OSError: pass
def say(message):
    data = json.dumps(message).encode()
    os.write(fd, struct.pack("<I", len(data)) + data)
def hear():
    (size,) = struct.unpack("<I", os.read(fd, 4))
    return json.loads(os.read(fd, size))
say(OFFER)
while True:
    asked = hear()
    say(ANSWER)
"""


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ('[["f", "function", 1]]', '["", 1, []]'),
        (
            '[["f", "data", 1], ["abs", "function", 2]]',
            '["", {"x": ["function", 1, "f"]} if asked[0] == "get" else 0, []]',
        ),
        ('[["f", "function", 1], ["abs", "module", 2]]', '["", 1, []]'),
        ('[["f", "odd", 1], ["abs", "odd", 2]]', '["", 1, []]'),
        ('[["f", "function", 1], ["__builtins__", "data", 2]]', '["", 1, []]'),
        ('[["f", "function", 1]]', '["SystemExit", [], []]'),
        ('[["f", "function", 1]]', '["AssertionError", [], []]'),
        ('[["f", "function", 1]]', '["no such error", [], []]'),
        ('[["f", "function", 1]]', '["", 2, [[0, []]]]'),
        ('[["f", "function", 1]]', '["", {"x": ["object", 1, "int"]}, []]'),
        ('[["f", "function", 1]]', '["", {"x": ["odd", 1, "f"]}, []]'),
        ('[["f", "function", 1]]', '["", {"y": 0}, []]'),
        ('[["f", "function", 1]]', '["", {"m": ["os"]}, []]'),
        ('[["f", "function", 1]]', '["", {"T": "__import__"}, []]'),
        ('[["f", "function", 1]]', '["call", 0, [], {}]'),
        ('[["f", "function", 1]]', '["get", 0, ["x"], {}]'),
        ('[["f", "function", 1]]', '{"x": 1}'),
        ('{"f": 3}', "1"),
        ('"f"', "1"),
        ("None", "None"),
        ("[[[], [], []]]", "None"),
    ],
)
async def test_a_solution_that_speaks_the_protocol_and_lies_does_not_pass(
    sandbox: Sandbox, offer: str, answer: str
) -> None:
    tests = ["assert abs(f(1) - 2) < 1e-6", "assert f(1) == 2", "f(1)\nassert f(1) == 2"]
    matrix = await sandbox.run([_LIAR.replace("OFFER", offer).replace("ANSWER", answer)], tests, Limits(test_s=5))
    assert not {Verdict.PASSED, Verdict.NOT_RUN, Verdict.TIMEOUT} & set(matrix.verdicts[0])
