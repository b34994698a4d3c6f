"""Further kinds of hostile solutions and tests, each on its own; see `test_sandbox_hostile.py`.

Most solutions here return the right answer exactly where their attack worked, so that a pass is an escape.
"""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from rung.cascade.sandbox import Limits, Sandbox, Verdict
from rung.cascade.sandbox.plain import is_plain_program, is_plain_test

from .started import bwraps

GOOD = "def f(x):\n    return x + 1\n"
WORKER = """
import os
def f(x):
    found = os.listdir("/tmp")
    with open("/tmp/0", "w+") as file:
        file.write(str(x + 1))
        file.seek(0)
        return found or int(file.read())
"""
TESTS = ["assert f(1) == 2", "assert f(2) == 3"]
LIMITS = Limits(wall_s=15, test_s=0.4)
PROJECT = Path(__file__).resolve().parents[2]


async def beside_good_ones(sandbox: Sandbox, hostile: str, tests: list[str] = TESTS) -> tuple[Verdict, ...]:
    """The verdicts of the hostile solution; one good one computes, one works with files, and both pass everything."""
    columns = [*(each for each in tests if each not in TESTS), *TESTS]
    matrix = await sandbox.run([textwrap.dedent(hostile), GOOD, WORKER], columns, LIMITS)
    assert matrix.verdicts[1][-2:] == matrix.verdicts[2][-2:] == (Verdict.PASSED, Verdict.PASSED)
    assert Verdict.NOT_RUN not in matrix.verdicts[0]
    assert matrix.seconds < LIMITS.wall_s
    assert bwraps() == []
    return matrix.verdicts[0]


def in_function(body: str) -> str:
    return "def f(x):\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n"


_IN_FUNCTION = {
    # the way of the result
    "verdict letters, then a loop": """
        import os
        while True:
            for fd in range(3, 64):
                try: os.write(fd, b"PPPP")
                except OSError: pass""",
    "verdict reports of whole matrices": """
        import os, struct
        reports = b"".join(struct.pack("<IIc", i, j, b"P") for i in range(4) for j in range(4))
        for fd in range(64):
            try: os.write(fd, reports)
            except OSError: pass""",
    "descriptors closed and taken again": """
        import os
        os.closerange(0, 64)
        for i in range(30): os.open(f"/tmp/{i}", os.O_RDWR | os.O_CREAT)
        return x + 1""",
    "descriptors swapped": """
        import os
        read, write = os.pipe()
        for fd in range(3, 30):
            if fd not in (read, write):
                try: os.fstat(fd); os.dup2(write, fd)
                except OSError: pass
        return x + 1""",
    "orders to the harness": """
        import os, struct
        for fd in range(3, 64):
            for what in (b"+", b"-", b"p", b"w", b".", b","):
                try: os.write(fd, struct.pack("<cIII", what, fd, 0, 1))
                except OSError: pass""",
    "the socket shut down": """
        import os, socket
        for fd in range(3, 64):
            try: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fd).shutdown(socket.SHUT_RDWR)
            except OSError: pass
        return x + 1""",
    "descriptors sent to the evaluator": """
        import os, socket
        for fd in range(3, 64):
            try:
                evaluator = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fd)
                while True: socket.send_fds(evaluator, [b"x"], [0] * 60)
            except OSError: pass""",
    # recursion
    "deep source": "return eval('-' * 10 ** 6 + '1') and x + 1",
    "deep source, parsed": """
        import ast
        for n in (100, 1000, 10 ** 4, 10 ** 5): ast.parse("(" * n + ")" * n)""",
    "deep trees, compiled": """
        import ast, sys
        sys.setrecursionlimit(1 << 30)
        tree = ast.Constant(1)
        for _ in range(10 ** 6): tree = ast.UnaryOp(ast.USub(), tree)
        compile(ast.fix_missing_locations(ast.Expression(tree)), "", "eval")""",
    "deep JSON": """
        import json, sys
        sys.setrecursionlimit(1 << 30)
        json.loads("[" * 10 ** 7)""",
    "deep pickle": """
        import pickle, sys
        sys.setrecursionlimit(1 << 30)
        deep = []
        for _ in range(10 ** 6): deep = [deep]
        pickle.dumps(deep)""",
    "deep destruction": """
        class Link:
            def __init__(self, next): self.next = next
            def __del__(self): self.next = None
        link = None
        for _ in range(10 ** 6): link = Link(link)
        del link""",
    "a deep answer": """
        deep = []
        for _ in range(10 ** 5): deep = [deep]
        return deep""",
    "an answer in a circle": """
        circle = []
        circle.append(circle)
        return circle""",
    "an answer that doubles and doubles": """
        twice = [0]
        for _ in range(60): twice = [twice, twice]
        return tuple(twice), tuple(tuple(twice))""",
    "an answer that is a tuple which doubles": """
        twice = (0,)
        for _ in range(60): twice = (twice, twice)
        return twice""",
    "a pattern that backtracks for ever": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    # signals
    "an alarm that rings for ever": """
        import signal
        def ring(*_): signal.setitimer(signal.ITIMER_REAL, 0.001)
        signal.signal(signal.SIGALRM, ring)
        ring()
        while True: pass""",
    "an alarm that raises in the midst of an answer": """
        import signal
        def ring(*_): raise BaseException
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
        return "x" * 10 ** 6""",
    "stopping itself": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "killing itself": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "the end asked for and ignored": """
        import os, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGTERM)
        while True: pass""",
    "all signals held back": """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True: pass""",
    "a wake-up descriptor": """
        import os, signal, warnings
        warnings.simplefilter("ignore")
        for fd in range(3, 64):
            try: os.set_blocking(fd, False); signal.set_wakeup_fd(fd, warn_on_full_buffer=False); break
            except (OSError, ValueError): pass
        signal.signal(signal.SIGALRM, lambda *_: None)
        for _ in range(100): signal.raise_signal(signal.SIGALRM)""",
    # threads
    "a thread that outlives the call": """
        import os, threading, time
        def late():
            for _ in range(1000):
                time.sleep(0.001)
                for fd in range(3, 64):
                    try: os.write(fd, b"P")
                    except OSError: pass
        threading.Thread(target=late).start()
        return x""",
    "daemon threads that keep writing": """
        import os, threading
        def write(fd):
            while True:
                try: os.write(fd, b"P" * 100)
                except OSError: pass
        for fd in range(3, 20): threading.Thread(target=write, args=(fd,), daemon=True).start()
        return x""",
    "small threads": """
        import threading, time
        threading.stack_size(1 << 15)
        while True:
            try: threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
            except (RuntimeError, MemoryError): pass""",
    "a thread that never lets go": """
        import sys, threading
        sys.setswitchinterval(1e9)
        def spin():
            while True: pass
        threading.Thread(target=spin, daemon=True).start()
        return x""",
    # memory
    "equality rewritten": """
        import ctypes, gc
        for kind in (int, str, list, object):
            gc.get_referents(kind.__dict__)[0]["__eq__"] = lambda a, b: True
            ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
        return [1] == 2 and 7""",
    "small numbers rewritten": """
        import ctypes
        for i in range(200): ctypes.memset(id(i) + 24, 9, 4)
        return x""",
    "a jump to nowhere": "import ctypes; ctypes.CFUNCTYPE(None)(1)()",
    "memory freed twice": "import ctypes; ctypes.CDLL(None).free(ctypes.c_void_p(id([x])))",
    "machine code": """
        import ctypes, mmap, os
        if os.uname().machine != "x86_64": return
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(b"\\xb8\\x39\\x00\\x00\\x00\\x0f\\x05\\xc3")  # fork
        address = ctypes.addressof(ctypes.c_char.from_buffer(code))
        if ctypes.CFUNCTYPE(ctypes.c_int)(address)() >= 0: return x + 1""",
    "machine code of 32 bits": """
        import ctypes, mmap, os
        if os.uname().machine != "x86_64": return
        code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        code.write(b"\\xb8\\x02\\x00\\x00\\x00\\xcd\\x80\\xc3")
        address = ctypes.addressof(ctypes.c_char.from_buffer(code))
        if ctypes.CFUNCTYPE(ctypes.c_int)(address)() >= 0: return x + 1""",
    "its code made writable": """
        import ctypes, mmap
        libc = ctypes.CDLL(None, use_errno=True)
        page = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
        libc.mprotect(ctypes.c_void_p(page), 8192, 7)
        ctypes.memset(page, 0xCC, 8192)
        libc.getpid()""",
    "memory that is mapped": """
        import mmap
        kept = []
        while True: kept.append(mmap.mmap(-1, 1 << 24)); kept[-1][::4096] = bytes(1 << 12)""",
    "memory of the kernel": """
        import fcntl, os
        for _ in range(30):
            read, write = os.pipe()
            fcntl.fcntl(write, 1031, 1 << 20)
            os.set_blocking(write, False)
            os.write(write, bytes(1 << 20))
        while True: pass""",
    "garbage that cannot be collected fast enough": """
        import gc
        gc.disable()
        while True:
            a = [bytearray(1 << 16)]
            a.append(a)""",
    # numbers and texts
    "digits of a large number": "import sys; sys.set_int_max_str_digits(0); return str(7 ** 10 ** 7)",
    "a power of a power": "return 10 ** 10 ** 8",
    "a text of a gigabyte": "return 'a' * 10 ** 9",
    "an answer over the limit": "return 'a' * (5 << 20)",
    "a join of itself": """
        text = "ab"
        while True: text = text.join(text)""",
    "a format of a billion": "return '%1000000000d' % x",
    "a list that grows as it is read": """
        numbers = [x]
        for each in numbers: numbers.append(each + 1)""",
    "keys that collide": "return {i * (2 ** 61 - 1): 0 for i in range(1, 100_000)}",
    "a number that is none": "return float('nan'), complex('inf'), __import__('decimal').Decimal('sNaN')",
    # imports
    "an import hook": """
        import importlib.abc, importlib.machinery, sys
        class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path, target=None): return importlib.machinery.ModuleSpec(name, self)
            def exec_module(self, module): module.__dict__["won"] = True
        sys.meta_path.insert(0, Finder())
        sys.path_hooks.clear(); sys.path_importer_cache.clear()
        import inside.evaluator as evaluator
        return getattr(evaluator, "won", None)""",
    "an import replaced": """
        import builtins
        builtins.__import__ = lambda *a, **k: __builtins__
        builtins.compile = builtins.exec = lambda *a, **k: None""",
    "modules left for others": """
        import importlib
        text = "import builtins\\nbuiltins.won = True\\n"
        for name in ("sitecustomize", "usercustomize", "math", "json", "fractions", "won"):
            with open(f"/tmp/{name}.py", "w") as file: file.write(text)
        for name in ("fractions", "sitecustomize", "usercustomize", "won"):
            try: importlib.import_module(name)
            except ImportError: pass
        import builtins
        return hasattr(builtins, "won") and x + 1""",
    "bytecode left for others": """
        import os, py_compile
        with open("/tmp/a.py", "w") as file: file.write("won = 1")
        for folder in ("/rung/inside/__pycache__", "/usr/lib/python3/__pycache__", os.path.dirname(os.__file__)):
            try: py_compile.compile("/tmp/a.py", os.path.join(folder, "a.pyc"), doraise=True); return x + 1
            except OSError: pass""",
    "the project and its packages": f"""
        import importlib, sys
        sys.path += {[str(PROJECT), str(PROJECT.parent), *sys.path]!r}
        for name in ("rung", "cascade", "tests", "hypothesis", "_pytest", "httpx", "pydantic"):
            try: importlib.import_module(name); return x + 1
            except ImportError: pass""",
    # Python itself
    "a trace of everything": """
        import sys, threading
        def trace(*_): raise ZeroDivisionError
        threading.settrace(trace)
        sys.settrace(trace)
        sys.setprofile(trace)""",
    "an audit hook": """
        import sys
        def hook(*_): raise ZeroDivisionError
        sys.addaudithook(hook)
        import json, sqlite3""",
    "a collector that ends the process": """
        import gc, os
        gc.callbacks.append(lambda *_: os._exit(0))
        gc.set_threshold(1)
        return [[] for _ in range(9)]""",
    "no recursion at all": """
        import sys
        try: sys.setrecursionlimit(12)
        except RecursionError: sys.setrecursionlimit(30)""",
    "text codecs replaced": """
        import codecs
        codecs.register_error("surrogatepass", lambda error: ("PASSED", error.end))
        codecs.register(lambda name: codecs.lookup("rot13"))
        return "\\ud800" """,
    "the evaluator sought": """
        import gc, sys
        line = " ".join(("assert", "f(1)"))
        for each in gc.get_objects():
            if type(each) in (list, tuple) and any(type(one) is str and line in one for one in each): return x + 1
            if type(each).__name__ in ("Cells", "_Evaluator", "Inbox") and not isinstance(each, type): return x + 1
        for name, module in list(sys.modules.items()):
            if line in repr(vars(module)) and name != "solution": return x + 1""",
    "the peer sought and taken over": """
        import gc
        for each in gc.get_objects():
            if type(each).__name__ == "Peer":
                each.serve = lambda message: each.send(["", True, []])
                each._reply = lambda *_: each.send(["", {"x": ["object", 0, "bool"]}, []])""",
    "callers rewritten": """
        import ctypes, sys
        frame = sys._getframe()
        while frame:
            for name in frame.f_locals: frame.f_locals[name] = True
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
            frame = frame.f_back""",
    "an object that dies late": """
        import os
        class Late:
            def __del__(self): os._exit(0)
        return Late()""",
    "weak references to the end": """
        import os, weakref
        class A: pass
        a = A()
        weakref.finalize(a, os.write, 1, b"P").atexit = True
        raise SystemExit(0)""",
    # files
    "the root linked to": """
        import os
        os.symlink("/", "/tmp/root")
        os.symlink("..", "/tmp/up")
        for way in ("root", "root/tmp/root", "up", "up/up", "root/../.."):
            for name in ("home", "root/.bashrc", "work", "etc/passwd", "proc/1", "var/tmp", "sys/kernel"):
                if os.path.exists(f"/tmp/{way}/{name}"): return x + 1""",
    "the folder replaced": """
        import os
        for attempt in (
            lambda: os.rmdir("/tmp"), lambda: os.rename("/tmp", "/away"), lambda: os.rename("/tmp", "/tmp/tmp"),
            lambda: os.symlink("/usr", "/tmp"), lambda: os.mkdir("/new"), lambda: os.chown("/tmp", 1, 1),
        ):
            try: attempt(); return x + 1
            except OSError: pass""",
    "hard links": """
        import os, sys
        for target in (os.__file__, sys.executable, "/rung/inside/harness.py", "/usr/lib/os-release", "/dev/null"):
            try: os.link(target, "/tmp/link"); return x + 1
            except OSError: pass""",
    "links in a circle": """
        import os
        os.symlink("/tmp/b", "/tmp/a"); os.symlink("/tmp/a", "/tmp/b"); os.symlink("/tmp", "/tmp/c")
        os.symlink("/rung/inside", "/tmp/inside"); os.symlink("c" * 200, "/tmp/d")
        return os.path.exists("/tmp/a") and x + 1""",
    "links without end": """
        import os
        open("/tmp/0", "w").close()
        i = 0
        while True: i += 1; os.link("/tmp/0", f"/tmp/{i}")""",
    "deep folders with numbers": """
        import os
        os.makedirs("/tmp/0/0/0/0/1/2"); os.makedirs("/tmp/1/0/2/0"); os.makedirs("/tmp/3/4")
        for path in ("/tmp/2", "/tmp/0/1", "/tmp/1/0/3", "/tmp/3/4/5"): open(path, "w").close()""",
    "a deep folder of closed folders": """
        import os
        for i in range(500): os.mkdir("d"); os.chdir("d")
        for i in range(500): os.chdir(".."); os.chmod("d", 0)""",
    "names of any bytes": """
        import os
        for name in (b"\\xff\\xfe", b"a\\nb", b" ", b"-rf", b"*", b"\\x01" * 255, b"..."):
            os.makedirs(b"/tmp/" + name + b"/a")""",
    "pipes and sockets with names": """
        import os, socket
        os.mkfifo("/tmp/pipe")
        os.mkdir("/tmp/d"); os.mkfifo("/tmp/d/pipe")
        try: socket.socket(socket.AF_UNIX).bind("/tmp/socket"); return x + 1
        except OSError: open("/tmp/pipe")""",
    "the folder closed": "import os; os.chmod('/tmp', 0)",
    "a mask for all": "import os; os.umask(0o777); os.makedirs('/tmp/a'); open('/tmp/b', 'w').close()",
    "another folder to be in": "import os; os.chdir('/rung/inside'); open('mark', 'w').close(); return x + 1",
    "descriptors without end": """
        import os
        while True: os.open("/dev/zero", os.O_RDONLY)""",
    "descriptors without end, past errors": """
        import os
        while True:
            try: os.dup(0)
            except OSError: pass""",
    "a file locked": """
        import fcntl, os
        for path in (os.__file__, "/dev/null", "/tmp"): fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX)
        while True: pass""",
    "the harness's program read": """
        for name in ("harness", "cells", "evaluator", "nursery"):
            with open(f"/rung/inside/{name}.py", "r+") as file: file.write("#"); return x + 1""",
    # rights
    "limits raised": """
        import resource
        for name in ("AS", "NPROC", "NOFILE", "CPU", "FSIZE", "CORE", "NICE", "RTPRIO", "MEMLOCK"):
            name = getattr(resource, "RLIMIT_" + name)
            hard = resource.getrlimit(name)[1]
            if hard == resource.RLIM_INFINITY: continue
            for value in (resource.RLIM_INFINITY, hard + 1):
                try: resource.setrlimit(name, (value, value)); return x + 1
                except (OSError, ValueError): pass""",
    "another user": """
        import os
        for attempt in (lambda: os.setuid(12345), lambda: os.setgid(12345), lambda: os.setgroups([0, 1])):
            try: attempt(); return x + 1
            except OSError: pass""",
    "capabilities": """
        import ctypes
        libc = ctypes.CDLL(None)
        for i in range(41):
            if libc.prctl(23, i) > 0 or libc.prctl(47, 2, i, 0, 0) == 0: return x + 1
        if libc.prctl(38, 0, 0, 0, 0) == 0 or libc.prctl(39, 0, 0, 0, 0) != 1: return x + 1""",
    "the clock and the name of the machine": """
        import socket, time
        for attempt in (lambda: time.clock_settime(0, 0), lambda: socket.sethostname("won")):
            try: attempt(); return x + 1
            except OSError: pass""",
    "sockets of every kind": """
        import socket
        for family in range(46):
            for kind in (1, 2, 3, 5):
                try: socket.socket(family, kind); return x + 1
                except OSError: pass""",
    "a filter of its own": """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.prctl(22, 1, 0, 0, 0)
        libc.getpid()
        return x""",
    "a priority of its own": """
        import os
        for attempt in (lambda: os.sched_setscheduler(0, 1, os.sched_param(1)), lambda: os.sched_setaffinity(0, [0])):
            try: attempt(); return x + 1
            except OSError: pass
        try:
            if os.nice(-5) < 0: return x + 1
        except OSError: pass""",
}  # fmt: skip


@pytest.mark.parametrize("body", _IN_FUNCTION.values(), ids=_IN_FUNCTION)
async def test_a_hostile_function_does_not_pass(sandbox: Sandbox, body: str) -> None:
    assert Verdict.PASSED not in await beside_good_ones(sandbox, in_function(body))


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


@pytest.mark.skipif(os.geteuid() == 0, reason="for root the kernel does not count")
async def test_a_solution_that_takes_all_threads_keeps_no_other_from_being_started(sandbox: Sandbox) -> None:
    hostile = in_function(_IN_FUNCTION["small threads"])
    untidy = "import os\ndef f(x):\n    return x + 1\n"
    matrix = await sandbox.run([hostile, *[untidy] * 20], TESTS[:1], Limits(wall_s=30, test_s=2))
    assert [row[0] for row in matrix.verdicts[1:]] == [Verdict.PASSED] * 20


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
