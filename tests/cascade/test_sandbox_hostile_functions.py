"""Hostile bodies of the function that is tested."""

from __future__ import annotations

import os
import sys

import pytest

from rung.cascade.sandbox import Limits, Sandbox, Verdict

from .hostile_made import PROJECT, TESTS, beside_good_ones, in_function

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


@pytest.mark.skipif(os.geteuid() == 0, reason="for root the kernel does not count")
async def test_a_solution_that_takes_all_threads_keeps_no_other_from_being_started(sandbox: Sandbox) -> None:
    hostile = in_function(_IN_FUNCTION["small threads"])
    untidy = "import os\ndef f(x):\n    return x + 1\n"
    matrix = await sandbox.run([hostile, *[untidy] * 20], TESTS[:1], Limits(wall_s=30, test_s=2))
    assert [row[0] for row in matrix.verdicts[1:]] == [Verdict.PASSED] * 20
