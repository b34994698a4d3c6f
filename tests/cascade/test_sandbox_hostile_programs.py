"""Solutions that are hostile outside of their function, and what they send in place of the harness."""

from __future__ import annotations

import pytest

from rung.cascade.sandbox import Sandbox, Verdict

from .hostile_made import TESTS, beside_good_ones

_AS_A_WHOLE = {
    "a module that answers for any name": (
        "def __getattr__(name): return lambda *_: True\n__all__ = ['f', 'g']\n",
        ["assert f(1)", "assert g(1) == 2"],
    ),
    "a module that brings its own judge": (
        """
        import sys, types
        math = types.ModuleType("math")
        math.isclose = lambda *_, **__: True
        sys.modules["math"] = math
        def isclose(*_, **__): return True
        def abs(x): return 0
        def f(x): return 5
        """,
        ["assert math.isclose(f(1), 2)", "assert abs(f(1) - 2) < 1e-9"],
    ),
    "modules that poison each other": (
        """
        import sys
        for name in list(sys.modules):
            if name not in ("builtins", "sys"): sys.modules[name] = sys.modules["builtins"]
        def f(x): return __import__("json").bool
        """,
        TESTS,
    ),
    "a class that is always what is asked for": (
        """
        class Meta(type):
            def __eq__(cls, other): return True
            def __instancecheck__(cls, each): return True
            def __call__(cls, *_): return cls
            __hash__ = type.__hash__
        class f(metaclass=Meta): pass
        """,
        ["assert f(1) == 2", "assert f(1) is None", "assert isinstance(3, f)"],
    ),
    "a body of a class that ends it all": ("class A:\n    import os\n    os._exit(0)\ndef f(x): return x + 1\n", TESTS),
    "a subclass that ends it all": (
        """
        class A:
            def __init_subclass__(cls): raise SystemExit(0)
        class B(A): pass
        def f(x): return x + 1
        """,
        TESTS,
    ),
    "a name that is set with a loop": (
        """
        class Name:
            def __set_name__(self, owner, name):
                while True: pass
        class A: name = Name()
        def f(x): return x + 1
        """,
        TESTS,
    ),
    "a namespace of its own": (
        """
        class Names(dict):
            def __missing__(self, name): return lambda *_: True
        class Meta(type):
            @classmethod
            def __prepare__(cls, name, bases): return Names()
        class A(metaclass=Meta): f = anything
        f = A.f
        """,
        ["assert f(1) == 2", "assert f(1) is not True"],
    ),
    "a descriptor for an answer": (
        """
        class Answer:
            def __get__(self, each, kind=None): return 2
            def __set__(self, each, value): raise SystemExit
        class A: value = Answer()
        def f(x): return A
        """,
        ["assert f(1) == 2", "assert f(1).value == 2"],
    ),
    "a text that is equal to any": (
        """
        class Text(str):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return hash("two")
        def f(x): return Text("one")
        """,
        ["assert f(1) == 'two'", "assert f(1) in ('two',)", "assert f(1) in {'two': 2}", "assert 'two' in f(1)"],
    ),
    "a number that is equal to any": (
        """
        class Number(int):
            def __eq__(self, other): return True
            def __lt__(self, other): return True
            def __sub__(self, other): return 0
            def __rsub__(self, other): return 0
            def __abs__(self): return 0
            def __hash__(self): return 2
        def f(x): return Number(7)
        """,
        ["assert f(1) == 2", "assert f(1) < 2", "assert abs(f(1) - 2) < 1", "assert 2 == f(1)", "assert f(1) in {2}"],
    ),
    "a list that is equal to any": (
        """
        class List(list):
            def __eq__(self, other): return True
            def __contains__(self, other): return True
            def __len__(self): return 3
            def __iter__(self): return iter([1, 2, 3])
        def f(x): return List()
        """,
        ["assert f(1) == [2]", "assert 2 in f(1)", "assert len(f(1)) == 3", "assert [*f(1)] == [1, 2, 3]"],
    ),
    "parts that are equal to any": (
        """
        class Any:
            def __eq__(self, other): return True
            def __hash__(self): return hash(2)
        def f(x): return [Any(), (Any(),), {1: Any()}]
        """,
        ["assert f(1) == [2, (2,), {1: 2}]", "assert f(1)[0] == 2", "assert f(1)[1] == (2,)", "assert 2 in f(1)"],
    ),
    "an object that passes for a type": (
        """
        class Liar:
            @property
            def __class__(self): return int
            def __index__(self): return 2
            def __float__(self): return 2.0
            def __bool__(self): return True
        def f(x): return Liar()
        """,
        ["assert f(1) == 2", "assert isinstance(f(1), int)", "assert range(9)[f(1)] == 2", "assert float(f(1)) == 2"],
    ),
    "an exception that lies": (
        """
        class Lie(Exception):
            @property
            def args(self):
                while True: pass
            def __str__(self): raise SystemExit
        def f(x): raise Lie(Lie(1))
        """,
        TESTS,
    ),
    "exceptions that end loops": (
        "def f(x): raise StopIteration(2)\ndef g(x): raise GeneratorExit\n",
        ["for _ in map(f, [1]): pass\nassert f(1) == 2", "assert [*map(f, [1])] == []", "assert [*map(g, [1])] == []"],
    ),
    "a generator that never ends": (
        "def f(x):\n    while True: yield x\n",
        ["assert len(list(f(1))) == 2", "assert 2 in f(1)", "assert f(1) == 2", "assert sum(f(1)) == 3"],
    ),
    "an iterator that never gets there": (
        """
        class Items:
            def __iter__(self): return self
            def __next__(self):
                while True: pass
            def __length_hint__(self): return 1 << 60
        def f(x): return Items()
        """,
        ["assert list(f(1)) == [2]", "assert next(f(1))"],
    ),
    "an iterator that ends it all": (
        """
        class Items:
            def __iter__(self): return self
            def __next__(self): raise SystemExit
        def f(x): return Items()
        """,
        ["assert list(f(1)) == []", "for _ in f(1): pass"],
    ),
    "a range without end": (
        "def f(x): return range(10 ** 18)\n",
        ["assert list(f(1)) == [2]", "assert sum(f(1)) == 2"],
    ),
    "a number that is long in the making": (
        "from decimal import Decimal\ndef f(x): return Decimal('1e999999999')\n",
        ["assert int(f(1)) == 2", "assert f(1) == 10 ** 999999999"],
    ),
    "a factory of values": (
        "import collections\ndef f(x): return collections.defaultdict(lambda: 2)\n",
        ["assert f(1) == {1: 2}", "assert f(1) is None"],
    ),
    "right at the second call only": (
        "n = []\ndef f(x):\n    n.append(x)\n    return x + 1 if len(n) % 2 == 0 else None\n",
        TESTS,
    ),
    "right in another process only": (
        """
        import os
        born = os.getpid()
        def f(x):
            try: open("/tmp/pid", "x").write(str(born)); return None
            except FileExistsError: return x + 1
        """,
        TESTS,
    ),
    "wrong by chance": (
        "import random, time\ndef f(x): return x + random.choice([0, 2, 3, -time.time()])\n",
        TESTS,
    ),
    "wide letters": (
        """
        def f(x):
            ｅｘｅｃ("import ｏｓ\\nos.ｋｉｌｌ(-1, 9)")
            return x + 1
        """,
        TESTS,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("solution", "tests"), _AS_A_WHOLE.values(), ids=_AS_A_WHOLE)
async def test_a_program_that_is_hostile_as_a_whole_does_not_pass(
    sandbox: Sandbox, solution: str, tests: list[str]
) -> None:
    assert Verdict.PASSED not in await beside_good_ones(sandbox, solution, tests)


_MESSAGES = {
    "nothing": b"",
    "no JSON": b"PASSED",
    "no text": b"\xff\xfe",
    "half a message": b'["",',
    "an empty list": b"[]",
    "the truth": b'["",true,[]]',
    "a reason": b'["2"]',
    "a number that is none": b'["",NaN,[]]',
    "itself": b'["",{"r":0},[]]',
    "its own question": b'["",{"y":0},[]]',
    "a question of its own": b'["call",0,[],{}]',
    "a question that is not answered": b'["get",0,["__globals__"],{}]',
    "questions without end": b'["truth",0,[],{}]' * 100,
    "an object of a known class": b'["",{"x":["object",0,"f"]},[]]',
    "an object of no kind": b'["",{"x":["module",0,"os"]},[]]',
    "a function": b'["",{"x":["function",0,"__eq__"]},[]]',
    "a type": b'["",{"T":"type"},[]]',
    "a type that is none": b'["",{"T":"eval"},[]]',
    "a value with two tags": b'["",{"t":[],"d":[]},[]]',
    "a large number": b'["",{"i":"0x' + b"f" * 10**6 + b'"},[]]',
    "a number with many digits": b'["",' + b"9" * 10**5 + b",[]]",
    "deep lists": b'["",' + b"[" * 10**5 + b"]" * 10**5 + b",[]]",
    "a module to import": b'["",{"m":["os","system"]},[]]',
    "a fraction of nothing": b'["",{"m":["Fraction",1,0]},[]]',
    "views of what cannot be hashed": b'["",{"m":["keys",[1]]},[]]',
    "the end": b'["SystemExit",[],[]]',
    "an end of loops": b'["StopIteration",[],[]]',
    "no more memory": b'["MemoryError",[],[]]',
    "an exception that is none": b'["eval",["1"],[]]',
    "a failure": b'["AssertionError",[],[]]',
    "changes of what is not there": b'["",2,[[7,[1]]]]',
    "changes of what was not sent": b'["",2,[[-1,[1]]]]',
    "two answers": b'["",1,[]]',
}


@pytest.mark.parametrize("message", _MESSAGES.values(), ids=_MESSAGES)
async def test_a_forged_answer_does_not_pass(sandbox: Sandbox, message: bytes) -> None:
    hostile = f"""
        import os, struct
        message = {message!r}
        def f(x):
            for fd in range(3, 64):
                try:
                    for _ in range(2): os.write(fd, struct.pack("<I", len(message)) + message)
                except OSError: pass
    """
    assert Verdict.PASSED not in await beside_good_ones(sandbox, hostile)


@pytest.mark.parametrize(
    "offer",
    [
        b'[["f","data",0]]',
        b'[["f","function",-1]]',
        b'[["f","class",99]]',
        b'[["f","module",0]]',
        b'[["AssertionError","class",0],["f","function",0]]',
        b'[["__builtins__","data",0],["f","function",0]]',
        b'[["abs","function",0],["len","function",0],["f","function",0]]',
        b'[["f","function","0"]]',
        b'[["f"]]',
        b'[[["f"],"function",0]]',
        b'{"f":0}',
        b"0",
        b"[" * 10**5,
    ],
    ids=lambda each: each.decode()[:40],
)
async def test_a_forged_offer_does_not_pass(sandbox: Sandbox, offer: bytes) -> None:
    hostile = f"""
        import os, struct
        offer, answer = {offer!r}, b'["",true,[]]'
        for fd in range(3, 64):
            try: os.write(fd, b"".join(struct.pack("<I", len(each)) + each for each in [offer] + [answer] * 9))
            except OSError: pass
    """
    assert Verdict.PASSED not in await beside_good_ones(sandbox, hostile)
