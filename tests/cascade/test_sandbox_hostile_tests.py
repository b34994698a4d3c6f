"""Hostile test lines, and what tests leave behind."""

from __future__ import annotations

import textwrap

import pytest

from rung.cascade.sandbox import Limits, Sandbox, Verdict
from rung.cascade.sandbox.plain import is_plain_program, is_plain_test

from .hostile_made import GOOD, LIMITS, TESTS, WORKER, in_function

# Each is right where it finds nothing of another test, and leaves something for the next.
_LEAVING = {
    "a file": "import os\nif os.path.exists('/tmp/a'): return 0\nopen('/tmp/a', 'w').close()",
    "a file in a closed folder": """
        import os
        if os.path.exists("/tmp/a"): return 0
        os.makedirs("/tmp/a/b"); open("/tmp/a/b/c", "w").close()
        os.chmod("/tmp/a/b", 0); os.chmod("/tmp/a", 0)""",
    "a folder that is too deep": """
        import os
        if os.path.exists("/tmp/d"): return 0
        for _ in range(3000): os.mkdir("d"); os.chdir("d")""",
    "a pipe": "import os\nif os.path.exists('/tmp/a'): return 0\nos.mkfifo('/tmp/a')",
    "a link to nowhere": "import os\nif os.path.islink('/tmp/a'): return 0\nos.symlink('nowhere', '/tmp/a')",
    "the folder's time": """
        import os
        if os.stat("/tmp").st_mtime == 7: return 0
        os.utime("/tmp", (7, 7))""",
    "the folder's rights": """
        import os
        if os.stat("/tmp").st_mode & 0o777 == 0o705: return 0
        os.chmod("/tmp", 0o705)""",
    "the folder's attributes": """
        import os
        if os.listxattr("/tmp"): return 0
        try: os.setxattr("/tmp", "user.a", b"1")
        except OSError: pass""",
    "a file that a thread writes again and again": """
        import os, threading
        if os.path.exists("/tmp/a"): return 0
        def again():
            while True: open("/tmp/a", "w").close()
        threading.Thread(target=again, daemon=True).start()""",
    "an address": """
        import socket
        try:
            kept = socket.socket(socket.AF_UNIX)
            kept.bind("\\0rung"); kept.listen()
        except PermissionError: pass
        except OSError: return 0""",
    "the environment": "import os\nif 'RUNG' in os.environ: return 0\nos.environ['RUNG'] = '1'",
    "a module": "import math\nif hasattr(math, 'left'): return 0\nmath.left = 1",
    "a limit": """
        import resource
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 20: return 0
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))""",
    "a place": "import os\nif os.getcwd() != '/tmp': return 0\nos.chdir('/')",
    "a mask": "import os\nif os.umask(0o77) == 0o77: return 0",
    "a handler": """
        import signal
        if signal.getsignal(signal.SIGUSR1) != signal.SIG_DFL: return 0
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)""",
    "another at the same time": """
        import os, time
        if os.listdir("/tmp"): return 0
        open(f"/tmp/{x}", "w").close()
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            if len(os.listdir("/tmp")) != 1: return 0""",
}  # fmt: skip


@pytest.mark.parametrize("body", _LEAVING.values(), ids=_LEAVING)
async def test_nothing_that_a_test_leaves_reaches_the_next(sandbox: Sandbox, body: str) -> None:
    solution = in_function(textwrap.dedent(body) + "\nreturn x + 1")
    matrix = await sandbox.run([solution, solution], TESTS * 2, Limits(wall_s=30, test_s=10))
    assert matrix.verdicts == ((Verdict.PASSED,) * 4,) * 2


_FUNCTIONS = """
import math
import collections
TABLE = (1, (2, 3))
def f(x): return x + 1
def same(x): return x
def many(x): return [x, [x], {'a': x}]
def upto(x): yield from range(x)
def each(items): return [item for item in items]
def call(g, x): return g(x)
def nothing(x): return object()
def raises(x): raise KeyError(x)
def fails(x): assert x != x, x
def deep(x): return x and 1 + deep(x - 1)
def endless(x):
    while True: pass
def large(x): return [0] * 10 ** x
"""
_PROBES = [
    "assert f(1) == 2",
    "assert many(1) == [1, [1], {'a': 1}]",
    "assert TABLE == (1, (2, 3))",
    "assert list(upto(3)) == [0, 1, 2]",
    "assert each(f(x) for x in [1, 2]) == [2, 3]",
    "assert call(abs, -1) == len([f(1)]) == sum([1]) == max([1, 0]) == 1",
    "assert isinstance(f(1), int) and not isinstance(f(1), (str, collections.Counter))",
    "assert math.isclose(f(1), 2) and not math.isclose(f(1), 3)",
    "assert sorted([2, 1], key=f) == [1, 2] and '{:>3}'.format(f(1)) == f'{f(1):>3}' == '  2'",
    "assert deep(900) == 900",
    "assert f(1) == 3",
    "assert raises(1)",
]
_OF_PROBES = [Verdict.PASSED] * 10 + [Verdict.FAILED, Verdict.ERROR]

_LINES = {
    # what looks plain, and is
    "an answer changed": "assert many(1).append(2) is None and many(1).clear() is None",
    "an answer changed within": "assert many(1)[1].append(2) or many(1)[2].clear() or True",
    "an argument changed": "assert same([1]).append(f) is None",
    "a callback that raises": "assert sorted([1, 2], key=raises)",
    "a callback that fails": "assert sorted([1, 2], key=fails)",
    "a callback of a callback": "assert call(call, call)",
    "a callback that calls back": "assert each(call(f, x) for x in each(f(y) for y in range(9)))",
    "a generator left half-way": "assert next(upto(9)) == 0",
    "a generator given away": "assert next(same(x for x in [1, 2])) == 1",
    "a generator taken back": "assert list(zip(upto(3), upto(2), same(upto(4))))",
    "refused": "assert nothing(1) == 1",
    "refused in a set": "assert {nothing(1)}",
    "refused in an answer to a callback": "assert each(nothing(x).y for x in [1])",
    "refused as a callback's item": "assert each(x for x in [math])",
    "refused as an argument": "assert same(math)",
    "refused in the midst of many": "assert each(same(each(nothing(y).z for y in [x])) for x in [1, 2])",
    "an end thrown": "assert (x for x in [1]).throw(SystemExit)",
    "an interrupt thrown": "assert (x for x in [1]).throw(KeyboardInterrupt)",
    "an exit thrown": "assert (x for x in [1]).throw(GeneratorExit)",
    "no memory thrown": "assert (x for x in [1]).throw(MemoryError)",
    "an end thrown in a callback": "assert each((y for y in [1]).throw(SystemExit) for x in [1])",
    "names that leak": "assert [len for len in [1]] and [f for f in range(3)] and {math: 1 for math in 'ab'}",
    "odd names of arguments": "assert f(**{'__builtins__': {}, 'a b': 1, '': 2})",
    "many arguments": "assert f(*[1] * 10 ** 5)",
    "a large argument": "assert same('a' * (5 << 20))",
    "a deep argument": "assert same([[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]])",
    "an odd argument": "assert same('\\ud800') and same(-0.0) and same(float('nan')) and same(1j)",
    "a message that raises": "assert False, raises(1)",
    "a message that changes": "assert many(1).clear(), many(1).append(1)",
    "too deep": "assert deep(5000)",
    "a loop": "assert endless(1)",
    "an endless iterator": "assert all(x == 0 for x in iter(int, 1))",
    "long sums": "assert sum(range(10 ** 12))",
    "a large power": "assert 10 ** 10 ** 8",
    "much memory": "assert [0] * 10 ** 10",
    "much memory there": "assert large(10)",
    "an unknown name": "assert unknown(1)",
    "a wrong count": "assert f(1, 2, 3)",
    "no program": "assert f(1) ==",
    "a field in a format": "assert '{0!r:>10}'.format(f(1)) and '%s' % f",
    "modules changed": "assert collections.Counter('a').update('b') is None and collections.deque().append(1) is None",
    # what looks plain, and is not
    "a format that looks further": "assert '{0.__class__.__init__.__globals__}'.format(f)",
    "a format of an f-string": "assert f'{f.__class__.__init__.__globals__.clear()}'",
    "builtins emptied": "assert sum.__self__.__dict__.clear() is None",
    "builtins changed": "assert __builtins__.update(len=max, AssertionError=KeyError) is None",
    "builtins changed by a frame": "assert (x for x in ()).gi_frame.f_builtins.update(len=max, abs=min) is None",
    "recursion limited": "assert collections.abc.sys.setrecursionlimit(90) is None",
    "a class registered": "assert collections.abc.Sized.register(int)",
    "a module changed": "assert setattr(math, 'isclose', max) is None",
    "a stand-in changed": "assert f.__init__(None, 0, 'f') is None and f._peer.__dict__.clear() is None",
    "a stand-in's class changed": "assert setattr(f.__class__, '__call__', max) is None",
    "a lambda": "assert (lambda: globals().update(f=max))() is None",
    "an assignment": "assert (len := max) and (math := 1)",
    "wide letters": "assert ｅｘｅｃ('import builtins\\nbuiltins.len = max') is None",
    "modules emptied": "assert __import__('sys').modules.clear() is None",
    "a thread": "assert __import__('threading').Thread(target=print).start() is None",
}


@pytest.mark.parametrize("line", _LINES.values(), ids=_LINES)
async def test_a_hostile_line_changes_no_verdict_of_those_behind_it(sandbox: Sandbox, line: str) -> None:
    limits = Limits(wall_s=20, test_s=0.5, timeouts=9)
    alone = await sandbox.run([_FUNCTIONS], [line], limits)
    assert alone.verdicts[0][0] is not Verdict.NOT_RUN
    matrix = await sandbox.run([_FUNCTIONS, _FUNCTIONS], [line, *_PROBES, line, *_PROBES], limits)
    assert [list(row) for row in matrix.verdicts] == [[alone.verdicts[0][0], *_OF_PROBES] * 2] * 2


def test_the_functions_and_the_probes_share_their_processes() -> None:
    """So the lines meet them there, unless they are kept away."""
    assert is_plain_program(_FUNCTIONS)
    assert all(map(is_plain_test, _PROBES))
    names = list(_LINES)
    first = names.index("a format that looks further")
    assert [name for name in names[:first] if not is_plain_test(_LINES[name])] == ["no program"]
    assert [name for name in names[first:] if is_plain_test(_LINES[name])] == []


async def test_calls_that_were_never_answered_do_not_pile_up(sandbox: Sandbox) -> None:
    """Each would leave the solution a few frames deeper."""
    tests = ["assert each(x for x in [math])"] * 30 + ["assert deep(900) == 900"]
    matrix = await sandbox.run([_FUNCTIONS], tests, Limits(test_s=5))
    assert list(matrix.verdicts[0]) == [Verdict.ERROR] * 30 + [Verdict.PASSED]


_TESTS_AS_A_WHOLE = {
    "a verdict, then a loop": """
        import os, stat
        for fd in range(3, 64):
            try:
                if stat.S_ISFIFO(os.fstat(fd).st_mode): os.write(fd, b"P")
            except OSError: pass
        while True: pass""",
    "many verdicts": """
        import os, stat
        for fd in range(3, 64):
            try:
                if stat.S_ISFIFO(os.fstat(fd).st_mode): os.write(fd, b"P" * 5000)
            except OSError: pass""",
    "verdicts that are none": """
        import os
        for fd in range(3, 64):
            try: os.write(fd, b"!TNxyz")
            except OSError: pass""",
    "an end without a verdict": """
        import os, socket
        for fd in range(3, 64):
            try: socket.socket(fileno=fd, family=1, type=5).send(b".")
            except OSError: pass
        os._exit(0)""",
    "a word that nobody knows": """
        import os, socket
        for fd in range(3, 64):
            try: socket.socket(fileno=fd, family=1, type=5).send(b",")
            except OSError: pass
        os._exit(0)""",
    "descriptors closed": "import os\nos.closerange(0, 64)",
    "descriptors closed, then a loop": "import os\nos.closerange(0, 64)\nwhile True: pass",
    "stopping itself": "import os\nos.kill(os.getpid(), 19)",
    "the folder closed": "import os\nos.chmod('/tmp', 0)",
    "the folder filled": """
        with open("/tmp/a", "wb") as file:
            for i in range(100):
                open(f"/tmp/{i}", "wb").write(bytes(1 << 20))""",
    "files for the next": "open('/tmp/0', 'w').close()\nopen('/tmp/fractions.py', 'w').write('1 / 0')",
    "a program's memory sought": "import gc\nassert not [each for each in gc.get_objects() if each == 'def']",
    "a filter of its own": "import ctypes\nctypes.CDLL(None).prctl(22, 1, 0, 0, 0)",
    "threads that never end": """
        import threading
        def spin():
            while True: pass
        for _ in range(20): threading.Thread(target=spin, daemon=True).start()""",
    "the wrong order": "f._peer.send([1, 2, 3])\nf(1)",
    "a solution asked for what it has not": "f._peer.ask('call', 99)",
    "all of the above at once": "import os\nf(1)\nos.chmod('/tmp', 0)\nos.closerange(0, 64)\nos.abort()",
}


@pytest.mark.parametrize("test", _TESTS_AS_A_WHOLE.values(), ids=_TESTS_AS_A_WHOLE)
async def test_a_hostile_test_spoils_only_its_own_column(sandbox: Sandbox, test: str) -> None:
    hostile = textwrap.dedent(test)
    matrix = await sandbox.run([WORKER, GOOD, WORKER, GOOD], [TESTS[0], hostile, *TESTS, *TESTS, *TESTS], LIMITS)
    for row in matrix.verdicts:
        assert row[1] is not Verdict.NOT_RUN
        assert {*row[:1], *row[2:]} == {Verdict.PASSED}
