"""Which tests share a process: only where that changes no verdict, and then they are fast."""

from __future__ import annotations

import asyncio
import importlib
import random
import string
import sys
import textwrap
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rung.cascade.sandbox import Limits, Matrix, Sandbox, Verdict, plain
from rung.cascade.sandbox.plain import is_plain_program, is_plain_test

ENDLESS = "def f(x):\n    while True: pass\n"


_PLAIN_PROGRAMS = {
    "nothing": "",
    "a function": "def f(x):\n    return x + 1\n",
    "a docstring": '"""About f."""\ndef f(x):\n    """Adds."""\n    return x + 1\n',
    "two functions": "def f(x): return g(x)\ndef g(x): return x\n",
    "annotations": "from typing import List\ndef f(x: List[int] = None) -> 'int':\n    y: int = 1\n    return y\n",
    "constants": "A = 1\nB: int = -2\nC = (1, ('a', None), 2.5)\nD = 60 * 60\nE: str\ndef f(x): return A\n",
    "constant defaults": "def f(x, y=1, *, z=(1, 'a'), w): return lambda v=2, *, u=3: v\n",
    "modules": "import math, re\nimport heapq as h\ndef f(x): return math.pi, re.sub('a', 'b', h.heappop(x))\n",
    "parts of modules": "from math import sqrt, pi\nfrom collections import Counter as C\ndef f(x): return C(x)\n",
    "all of a module": "from math import *\nfrom itertools import *\ndef f(x): return sqrt(x)\n",
    "an import within": "def f(x):\n    import math\n    from functools import reduce\n    return math.pi\n",
    "the future": "from __future__ import annotations\ndef f(x): return x\n",
    "errors caught by name": "def f(x):\n    try: return x\n    except (KeyError, ValueError) as e: return str(e)\n",
    "finally": "def f(x):\n    try: return x\n    finally: pass\n",
    "a nested cache": "from functools import cache\ndef f(x):\n    @cache\n    def g(y): return y\n    return g(x)\n",
    "nonlocal": "def f(x):\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n    g()\n    return n\n",
    "generators": "def f(x):\n    yield x\n    yield from (i for i in range(x))\n",
    "mutable data within": "def f(x):\n    a, b = [], {1}\n    a.append(x); b |= {x}; del a[0]\n    return a\n",
    "type and print": "def f(x):\n    print(x)\n    return type(x) is int and isinstance(x, object)\n",
    "format": "def f(x): return '{:.2f} {0} {{}}'.format(x) + f'{x!r:>{3}}' + '%s' % x\n",
    "match": "def f(x):\n    match x:\n        case int(real=1): return 1\n        case [a, *b]: return a\n",
    "a parameter named as a module": "def f(string): return string.upper()\n",
    "a name to fill in": "def f(x): return ____\n",
    "a copy": "def f(x): return x.copy()\n",
}  # fmt: skip


@pytest.mark.parametrize("source", _PLAIN_PROGRAMS.values(), ids=_PLAIN_PROGRAMS)
def test_a_program_without_state_is_plain(source: str) -> None:
    assert is_plain_program(source)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("n = 0\ndef f(x):\n    global n\n    n += 1\n    return n", id="global"),
        pytest.param("def f(x): x.n = 1", id="attribute stored"),
        pytest.param("def f(x): x.n += 1", id="attribute counted up"),
        pytest.param("def f(x): del x.n", id="attribute deleted"),
        pytest.param("def f(x):\n    for x.n in 'ab': pass", id="attribute of a loop"),
        pytest.param("def f(self): self.n = 1", id="attribute of self"),
        pytest.param("class A: pass\ndef f(x): return A()", id="class"),
        pytest.param("def g(h): return h\n@g\ndef f(x): return x", id="decorator"),
        pytest.param("from functools import cache\n@cache\ndef f(x): return []", id="cache of a module"),
        pytest.param("import random\ndef f(x): return random.random()", id="import random"),
        pytest.param("import time\ndef f(x): return time.time()", id="import time"),
        pytest.param("import sys\ndef f(x): return sys.argv", id="import sys"),
        pytest.param("import os.path\ndef f(x): return os.path", id="import os.path"),
        pytest.param("from os import environ\ndef f(x): return environ", id="from os"),
        pytest.param("def f(x):\n    import os\n    return os", id="import within"),
        pytest.param("def f(x):\n    from . import y\n    return y", id="relative import"),
        pytest.param("from functools import *\ndef f(x): return reduce", id="all of a module that has more"),
        pytest.param("import collections.abc\ndef f(x): return collections.abc.sys", id="module in a module"),
        pytest.param("import math as m, re as m\ndef f(x): return m.pi", id="one name, two modules"),
        pytest.param("import numpy as np\ndef f(x): return np.array(x)", id="a module from elsewhere"),
        pytest.param("def f(x): return open(x).read()", id="open"),
        pytest.param("def f(x): return eval(x)", id="eval"),
        pytest.param("def f(x): return input()", id="input"),
        pytest.param("def f(x): return id(x)", id="id"),
        pytest.param("def f(x): return getattr(f, '__dict__')", id="getattr with a dunder"),
        pytest.param("def f(x): return getattr(f, '_' * 2 + 'dict_' + '_')", id="getattr with a hidden dunder"),
        pytest.param("def f(x): return f.__dict__", id="dunder attribute"),
        pytest.param("def f(x): return x._private", id="private attribute"),
        pytest.param("def f(x): return __builtins__", id="dunder name"),
        pytest.param("def f(x): return f.__ｄｉｃｔ__", id="dunder attribute in wide letters"),
        pytest.param("def f(x): return ｇｌｏｂａｌｓ()", id="globals in wide letters"),
        pytest.param("def f(x): return 𝓮𝓿𝓪𝓵('1')", id="eval in script letters"),
        pytest.param("import ｏｓ\ndef f(x): return ｏｓ.getpid()", id="module in wide letters"),
        pytest.param("def f(x):\n    try: x\n    except: pass", id="bare except"),
        pytest.param("def f(x):\n    try: x\n    except BaseException: pass", id="except BaseException"),
        pytest.param("def f(x):\n    try: x\n    except (ValueError, BaseException): pass", id="except among others"),
        pytest.param("def f(x):\n    E = BaseException\n    try: x\n    except E: pass", id="except by another name"),
        pytest.param("def f(x):\n    try: x\n    except type(x): pass", id="except what is computed"),
        pytest.param("def f(x):\n    try: x\n    except* ValueError: pass", id="except*"),
        pytest.param("async def f(x): return await x", id="async"),
        pytest.param("if True:\n    def f(x): return x", id="if at the top"),
        pytest.param("for x in []: pass", id="loop at the top"),
        pytest.param("print(1)", id="call at the top"),
        pytest.param("a[0] = 1", id="subscript at the top"),
        pytest.param("a, b = 1, 2", id="tuple at the top"),
        pytest.param("def f(x): return x\nf.n = 0", id="function attribute"),
        pytest.param("a = f'{1}'", id="value that is computed"),
        pytest.param("def f(x):", id="syntax error"),
        pytest.param("def f(x): return 1 +", id="unfinished"),
        pytest.param("\x00", id="null byte"),
        pytest.param("# \ud800", id="surrogate"),
        pytest.param("def f(x): return 1\n" + "#" * 20_000, id="over-long"),
        pytest.param("x = " + "(" * 500 + ")" * 500, id="nested too deeply"),
    ],
)
def test_a_program_that_could_keep_something_is_not_plain(source: str) -> None:
    assert not is_plain_program(source)


@pytest.mark.parametrize(
    "source", ["A = " + "1+" * 1200 + "1", "A = " + "-" * 1200 + "1", "A = " + "(" * 150 + ")" * 150]
)
def test_a_constant_of_any_depth_is_judged_without_an_exception(source: str) -> None:
    assert isinstance(is_plain_program(source), bool)
    assert isinstance(is_plain_test(f"assert {source[4:]}"), bool)


# Each gives 1 where nothing was called before in its process.
_STATEFUL = {
    "global counter": """
        n = 0
        def f(x):
            global n
            n += 1
            return n""",
    "mutable default": "def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)",
    "mutable keyword default": "def f(x, *, seen={}):\n    seen[len(seen)] = x\n    return len(seen)",
    "default of a lambda": "f = lambda x, seen=[]: seen.append(x) or len(seen)",
    "function attribute": """
        def f(x):
            f.n = getattr(f, "n", 0) + 1
            return f.n""",
    "module-level list": "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)",
    "module-level tuple with a list": "seen = (1, [])\ndef f(x):\n    seen[1].append(x)\n    return len(seen[1])",
    "module-level iterator": "import itertools\nnumbers = itertools.count(1)\ndef f(x): return next(numbers)",
    "closure": """
        def counter():
            n = 0
            def f(x):
                nonlocal n
                n += 1
                return n
            return f
        f = counter()""",
    "class attribute": "class A: n = 0\ndef f(x):\n    A.n += 1\n    return A.n",
    "class attribute through self": """
        class A: n = 0
        def g(self):
            self.n += 1
            return self.n
        def f(x): return g(A)""",
    "subscripted class": """
        class A:
            n = 0
            def __class_getitem__(self, key):
                self.n += 1
                return self.n
        def f(x): return A[0]""",
    "enumeration": """
        from enum import Enum
        class C(Enum):
            A = 1
            def next(self):
                self.n = self.n + 1 if hasattr(self, "n") else 1
                return self.n
        def f(x): return C.A.next()""",
    "metaclass": """
        class M(type):
            n = 0
            def next(self):
                self.n += 1
                return self.n
        class A(metaclass=M): pass
        def f(x): return A.next()""",
    "cache that holds a list": """
        from functools import lru_cache
        @lru_cache
        def seen(): return []
        def f(x):
            seen().append(x)
            return len(seen())""",
    "decorator of its own": """
        def cache(g):
            seen = []
            def counted(x):
                seen.append(x)
                return len(seen)
            return counted
        @cache
        def f(x): pass""",
    "name bound in an annotation": "def f(x: (seen := [])):\n    seen.append(x)\n    return len(seen)",
    "name bound among the bases": """
        class A((seen := [], object)[1]): pass
        def f(x):
            seen.append(x)
            return len(seen)""",
    "annotations": "y: [] = 1\ndef f(x):\n    __annotations__['y'].append(x)\n    return len(__annotations__['y'])",
    "annotations read by typing": """
        import typing
        def f(x: []):
            seen = typing.get_type_hints(f)["x"]
            seen.append(x)
            return len(seen)""",
    "builtins": "def f(x):\n    __builtins__['n'] = __builtins__.get('n', 0) + 1\n    return __builtins__['n']",
    "globals in wide letters": "def f(x):\n    ｇｌｏｂａｌｓ()['n'] = ｇｌｏｂａｌｓ().get('n', 0) + 1\n    return n",
    "globals by getattr": """
        def f(x):
            seen = getattr(f, "__glo" + "bals__")
            seen["n"] = seen.get("n", 0) + 1
            return seen["n"]""",
    "globals by a frame": """
        def f(x):
            seen = (i for i in ()).gi_frame.f_globals
            seen["n"] = seen.get("n", 0) + 1
            return seen["n"]""",
    "globals by attrgetter": """
        import operator
        def f(x):
            seen = operator.attrgetter("__globals__")(f)
            seen["n"] = seen.get("n", 0) + 1
            return seen["n"]""",
    "globals by a formatter": """
        import string
        def f(x):
            seen = string.Formatter().get_field("0.__globals__", (f,), {})[0]
            seen["n"] = seen.get("n", 0) + 1
            return seen["n"]""",
    "globals by a pattern": """
        def f(x):
            match f:
                case object(__globals__=seen):
                    seen["n"] = seen.get("n", 0) + 1
                    return seen["n"]""",
    "method called by name": """
        import operator
        def f(x):
            n = 2 if hasattr(f, "n") else 1
            operator.methodcaller("__setattr__", "n", 1)(f)
            return n""",
    "updated wrapper": """
        import functools
        def f(x):
            class A: n = 1
            n = 2 if hasattr(f, "n") else 1
            functools.update_wrapper(f, A)
            return n""",
    "module behind a module": """
        import typing
        def f(x):
            seen = typing.sys.modules
            seen["n"] = seen.get("n", 0) + 1
            return seen["n"]""",
    "module out of a module": """
        from typing import sys
        def f(x):
            sys.modules["n"] = sys.modules.get("n", 0) + 1
            return sys.modules["n"]""",
    "module by another name": """
        import math as self
        def f(x):
            self.n = self.n + 1 if hasattr(self, "n") else 1
            return self.n""",
    "names of a module": """
        from string import __dict__ as seen
        def f(x):
            seen["n"] = seen.get("n", 0) + 1
            return seen["n"]""",
    "cache of a module": """
        import re
        def f(x):
            re._cache["n"] = re._cache.get("n", 0) + 1
            return re._cache["n"]""",
    "members of a flag": """
        import re
        def f(x):
            seen = re.I._member_map_
            seen["n"] = seen.get("n", 0) + 1
            return seen["n"]""",
    "set of a module": """
        import hashlib
        def f(x):
            n = 2 if "n" in hashlib.algorithms_available else 1
            hashlib.algorithms_available.add("n")
            return n""",
    "dictionary of a class": """
        from textwrap import TextWrapper
        def f(x):
            seen = TextWrapper.unicode_whitespace_trans
            seen["n"] = seen.get("n", 0) + 1
            return seen["n"]""",
    "registered class": """
        from collections.abc import Sized
        def f(x):
            n = 1 + isinstance(1, Sized)
            Sized.register(int)
            return n""",
    "overloads": """
        import typing
        def f(x):
            n = 1 + len(typing.get_overloads(f))
            typing.overload(f)
            return n""",
    "recursion limit": """
        import sys
        def f(x):
            n = 1 if sys.getrecursionlimit() != 777 else 2
            sys.setrecursionlimit(777)
            return n""",
    "environment": """
        import os
        def f(x):
            n = 1 + ("RUNG_N" in os.environ)
            os.environ["RUNG_N"] = "1"
            return n""",
    "file": """
        def f(x):
            with open("/tmp/n", "a+") as file:
                file.write("1")
                return file.tell()""",
}  # fmt: skip


@pytest.mark.parametrize("source", _STATEFUL.values(), ids=_STATEFUL)
async def test_what_a_solution_keeps_is_gone_at_the_next_test(sandbox: Sandbox, source: str) -> None:
    program = textwrap.dedent(source)
    assert not is_plain_program(program)
    tests = ["assert f(0) == 1", "assert f(0) == 1", "assert f(0) == f(0)", "assert f(0) == 1"]
    matrix = await sandbox.run([program], tests, Limits(test_s=5))
    assert matrix.verdicts == ((Verdict.PASSED, Verdict.PASSED, Verdict.FAILED, Verdict.PASSED),)


async def test_a_seed_is_that_of_the_first_call_in_each_test(sandbox: Sandbox) -> None:
    program = "import random\nrandom.seed(7)\ndef f(): return random.random()\n"
    made = random.Random(7)
    first, second = made.random(), made.random()
    tests = [f"assert f() == {first}", f"assert f() == {first}", f"assert [f(), f()] == {[first, second]}"]
    matrix = await sandbox.run([program], tests, Limits(test_s=5))
    assert matrix.verdicts == ((Verdict.PASSED,) * 3,)


async def test_what_returned_generators_hold_is_no_burden_of_the_next_test(sandbox: Sandbox) -> None:
    """Each holds 80 MB of the 256, and there is no telling when a test has done with one."""
    program = "def f(x):\n    large = [x] * 10 ** 7\n    return (each for each in large)\n"
    assert is_plain_program(program)
    matrix = await sandbox.run([program], ["assert next(f(1)) == 1"] * 6, Limits(wall_s=30, test_s=10))
    assert matrix.verdicts == ((Verdict.PASSED,) * 6,)


def test_nothing_that_a_plain_program_may_import_can_be_changed() -> None:
    for name in plain._WHOLE | plain._PARTS.keys() - {"__future__"}:
        module = importlib.import_module(name)
        parts = plain._PARTS.get(name) or {each for each in dir(module) if not each.startswith("_")}
        for part in parts:
            value = getattr(module, part)
            assert not isinstance(value, (dict, list, set, bytearray, ModuleType)), f"{name}.{part}"
            public = [each for each in dir(value) if plain._is_plain_name_of_attribute(each)]
            held = [getattr(value, each, None) for each in public]
            assert not any(isinstance(each, (dict, list, set, bytearray, ModuleType)) for each in held), (
                f"{name}.{part}"
            )


@pytest.mark.parametrize(
    "source",
    [
        "assert f(1) == 2",
        "assert f('a', [1, (2,)], k={'a': {1}}) is None, 'message'",
        "assert not f(1) and f(2) or f(3)",
        "assert sorted(f([2, 1]), key=abs) == [1, 2]",
        "assert [g(x) for x in range(3) if f(x)] == list(map(str, {}))",
        "assert abs(f(1) - 0.5) < 1e-9",
        "assert math.isclose(f(1), math.pi)",
        "assert f(collections.Counter('a')) == {}",
        "assert isinstance(f(1), (int, str))",
        "assert f(1).count('a') == 1",
        "assert f'{f(1)}' == '{:.1f}'.format(1) == 'a.b'.upper()",
        "assert ____(1) == 2",
        "assert True  # as it should",
    ],
)
def test_a_lone_assert_about_values_is_plain(source: str) -> None:
    assert is_plain_test(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "f(1)",
        "x = 1\nassert f(x)",
        "assert f(1)\nassert f(2)",
        "import math; assert f(1)",
        "def g(): pass\nassert f(g)",
        "for x in 'ab': assert f(x)",
        "assert f(lambda: 1)",
        "assert (x := f(1)) and x",
        "assert (yield)",
        "assert f(1) ==",
        "assert \x00",
        "assert '\ud800'",
        "assert f(1) # " + "#" * 20_000,
        "assert __import__('os')",
        "assert __builtins__['setattr']",
        "assert __name__",
        "assert __debug__",
        "assert f.__globals__",
        "assert f.__ｃｌａｓｓ__",
        "assert f._peer",
        "assert f.rung_number()",
        "assert eval('1')",
        "assert ｅｖａｌ('1')",
        "assert exec",
        "assert globals()",
        "assert setattr(f, 'a', 1) is None",
        "assert getattr(f, 'a')",
        "assert open('/tmp/a')",
        "assert print(1) is None",
        "assert type(f)",
        "assert id(f)",
        "assert os.getpid()",
        "assert sys.modules",
        "assert random.random() < 1",
        "assert time.time()",
        "assert ｓｙｓ.modules",
        "assert collections.abc.sys.setrecursionlimit(60) is None",
        "assert collections.abc.Sized.register(int)",
        "assert collections._sys",
        "assert (x for x in ()).gi_frame.f_builtins.clear() is None",
        "assert (x for x in ()).gi_code",
        "assert int.mro()",
        "assert '{0.__class__}'.format(f)",
        "assert '{0[a]}'.format(f)",
        "assert '{:{0.x}}'.format(f)",
        "assert ('{0.' + '_peer}').format(f)",
        "assert str.format('{0._peer}', f)",
        "assert list(map('{0._peer}'.format, [f]))",
        "assert '{f._peer}'.format_map({'f': f})",
        "assert f'{f._peer}'",
    ],
)
def test_a_test_that_could_reach_further_is_not_plain(source: str) -> None:
    assert not is_plain_test(source)


def test_a_test_that_names_a_module_of_python_is_not_plain() -> None:
    plain_ones = {name for name in sys.stdlib_module_names if is_plain_test(f"assert {name}")}
    assert plain_ones == {"math", "cmath", "collections"}


_NUMBER = st.sampled_from(["x", "y", "1", "2", "-3", "len(str(x))", "abs(y)", "sum([x, y])", "math.gcd(x, y)"])
_VALUE = st.recursive(
    _NUMBER,
    lambda each: st.builds("({} {} {})".format, each, st.sampled_from(["+", "-", "*", "//", "%", "<", "=="]), each),
    max_leaves=5,
)
_BODY = st.sampled_from(
    [
        "return {}",
        "a = [x]\n    a.append({})\n    return a",
        "n = 0\n    for i in range(3): n += i * ({})\n    return n",
        "return {{'v': {}}}",
        "if {}: return 'yes'\n    return None",
        "def g(y): return {}\n    return [g(i) for i in range(x)]",
        "yield x\n    yield {}",
        "try: return {}\n    except ZeroDivisionError: return 'zero'",
    ]
)
_PROGRAM = st.builds(lambda body, value: f"import math\ndef f(x, y=2):\n    {body.format(value)}\n", _BODY, _VALUE)
_ARGUMENT = st.sampled_from(["1", "0", "2.5", "'a'", "[1]", "None", "3, 4", "f(1)", "x", "*range(2)", "10 ** 20, 0"])
_LINE = st.builds(
    lambda shape, one, two, value: shape.format(one=one, two=two, value=value),
    st.sampled_from(
        [
            "assert f({one}) == f({two})",
            "assert f({one}) == {value}",
            "assert f({one})",
            "assert not f({one}), f({two})",
            "assert list(f({one})) == list(f({two}))",
            "assert f({one}).append({value}) is None",
            "assert sum(map(f, range(4))) > {value}",
            "assert f({one}) ==",
        ]
    ),
    _ARGUMENT,
    _ARGUMENT,
    st.sampled_from(["0", "1", "3", "-1", "'yes'", "[1, 2]", "{'v': 3}", "None", "True"]),
)


@given(st.lists(_PROGRAM, min_size=2, max_size=3), st.lists(_LINE, min_size=4, max_size=6, unique=True))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tests_together_have_the_verdicts_of_each_alone(
    sandbox: Sandbox, programs: list[str], tests: list[str]
) -> None:
    assert all(map(is_plain_program, programs))
    limits = Limits(wall_s=60, test_s=20)

    async def each_alone() -> list[Matrix]:
        return [await sandbox.run(programs, [test], limits) for test in tests]

    alone = asyncio.run(each_alone())
    together = asyncio.run(sandbox.run(programs, tests, limits))
    assert together.verdicts == tuple(tuple(each.verdicts[row][0] for each in alone) for row in range(len(programs)))


_SPEED = [f"def f(x):\n    total = {i}\n    for each in x: total += each\n    return total - {i}\n" for i in range(10)]
_LINES = [f"assert f([{i}, {i + 1}]) == {2 * i + 1}" for i in range(40)]


async def test_ten_solutions_under_forty_tests_take_half_a_second(sandbox: Sandbox) -> None:
    assert all(map(is_plain_program, _SPEED))
    assert all(map(is_plain_test, _LINES))
    matrices = [await sandbox.run(_SPEED, _LINES) for _ in range(3)]
    assert all(all(map(all, each.passed())) for each in matrices)
    assert min(each.seconds for each in matrices) < 0.5


async def test_a_solution_that_loops_for_ever_is_given_up_and_the_matrix_is_complete(sandbox: Sandbox) -> None:
    solutions = [*_SPEED[:4], ENDLESS, *_SPEED[4:9]]
    matrix = await sandbox.run(solutions, _LINES, Limits(wall_s=30, test_s=0.5, timeouts=3))
    assert matrix.seconds < 6
    assert [set(row) for row in matrix.verdicts] == [{Verdict.TIMEOUT if i == 4 else Verdict.PASSED} for i in range(10)]


async def test_a_solution_that_loops_at_some_tests_is_right_at_all_others(sandbox: Sandbox) -> None:
    """Never three times in a row, so it is not given up."""
    sometimes = "def f(x):\n    while x in (2, 3, 7): pass\n    return x + 1\n"
    tests = [f"assert f({i}) == {i + 1}" for i in range(10)]
    matrix = await sandbox.run([sometimes], tests, Limits(wall_s=30, test_s=0.3, timeouts=3))
    expected = [Verdict.TIMEOUT if i in (2, 3, 7) else Verdict.PASSED for i in range(10)]
    assert list(matrix.verdicts[0]) == expected


async def test_a_test_that_kills_leaves_the_others_their_verdicts(sandbox: Sandbox) -> None:
    deadly = "def f(x):\n    if x % 3 == 0: raise SystemExit\n    return [0] * 10 ** 10 if x % 3 == 1 else x\n"
    tests = [f"assert f({i}) == {i}" for i in range(12)]
    assert is_plain_program(deadly)
    matrix = await sandbox.run([deadly, "def f(x): return x"], tests, Limits(wall_s=30, test_s=5))
    assert list(matrix.verdicts[0]) == [Verdict.PASSED if i % 3 == 2 else Verdict.KILLED for i in range(12)]
    assert set(matrix.verdicts[1]) == {Verdict.PASSED}


def test_all_letters_of_all_alphabets_that_python_reads_as_a_builtin_are_seen_through() -> None:
    """A name is what it is once it is normalised (NFKC)."""
    for first in (0xFF41, 0x1D41A, 0x1D44E, 0x1D482, 0x1D4EA, 0x1D5BA, 0x1D68A, 0x24D0):  # each an alphabet's `a`
        wide = {ord(each): chr(first + i) for i, each in enumerate(string.ascii_lowercase)}
        for name in ("eval", "exec", "open", "vars", "setattr", "compile"):
            assert not is_plain_program(f"def f(x): return {name.translate(wide)}(x)")
            assert not is_plain_test(f"assert {name.translate(wide)}('1')")
