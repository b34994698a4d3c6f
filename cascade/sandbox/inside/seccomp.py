"""A system-call filter for code that nobody has read (seccomp(2), classic BPF).

It may not start processes or programs, signal, trace or slow down another process, make namespaces, open a socket, or
hold memory outside its address space. The rest is up to namespaces and limits. Calls it refuses fail with EPERM, so
that a program sees an exception.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

# name: numbers on x86-64 and ARM64; None where that machine has no such call
_DENIED: dict[str, tuple[int | None, int | None]] = {
    # processes and programs
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # namespaces and mounts
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # other machines, other sandboxes' services, other cells; a pair of sockets has no address
    "socket": (41, 198),
    # wide surfaces of the kernel; io_uring also goes round this filter
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "personality": (135, 92),
    "fanotify_init": (300, 262),
    "modify_ldt": (154, None),
    # memory that no limit of the process counts
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
}
_KILL, _TGKILL, _CLONE, _CLONE3, _PRLIMIT, _FCNTL, _IOCTL = (
    (62, 129),
    (234, 131),
    (56, 220),
    (435, 435),
    (302, 261),
    (72, 25),
    (16, 29),
)
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15  # a signal of one's choice to a process of one's choice
_FIOSETOWN, _SIOCSPGRP, _TIOCSTI = 0x8901, 0x8902, 0x5412
_CLONE_THREAD = 0x10000
_X32 = 0x40000000
_PID = 0x7FFFFFFF  # stands for the process's own

_LOAD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class Filter:
    """The filter, built once: after a fork every page that is written to costs. Raises OSError."""

    def __init__(self) -> None:
        program = _program(os.uname().machine)
        self._program = ctypes.create_string_buffer(program, len(program))
        self._header = _Header(len(program) // 8, ctypes.addressof(self._program))
        self._pids = [
            at + 4 for at in range(0, len(program), 8) if program[at + 4 : at + 8] == _PID.to_bytes(4, "little")
        ]

    def confine(self) -> None:
        """Put this process under the filter, for good, after `harden`. Raises OSError."""
        pid = os.getpid()
        for at in self._pids:
            struct.pack_into("=I", self._program, at, pid)
        _prctl(_PR_SET_SECCOMP, 2, ctypes.byref(self._header))


def harden() -> None:
    """Close the memory of this process and of its children to others; none of them may gain privileges."""
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _prctl(option: int, value: int, pointer: object = 0) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), pointer or ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


def _program(machine: str) -> bytes:
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"rung has no system-call filter for {machine}")
    column, architecture = _ARCHITECTURES[machine]
    code = [
        *_load(4),
        _instruction(_JEQ, architecture, 1, 0),
        *_return(_KILL_PROCESS),
        *_load(0),
        _instruction(_JGE, _X32, 0, 1),
        *_return(_KILL_PROCESS),
    ]
    for numbers in _DENIED.values():
        number = numbers[column]
        if number is not None:
            code += [_instruction(_JEQ, number, 0, 1), *_return(_ERRNO | errno.EPERM)]
    code += _if_call(_CLONE3[column], _return(_ERRNO | errno.ENOSYS))  # the C library then calls clone
    code += _if_call(_CLONE[column], [*_load_argument(0), *_allow_if(_JSET, _CLONE_THREAD)])
    for call in (_KILL, _TGKILL):
        code += _if_call(call[column], [*_load_argument(0), *_allow_if(_JEQ, _PID)])
    code += _if_call(_PRLIMIT[column], [*_load_argument(0), *_allow_if(_JEQ, 0, _PID)])
    code += _if_call(_FCNTL[column], [*_load_argument(1), *_deny_if(_F_SETOWN, _F_SETSIG, _F_SETOWN_EX)])
    code += _if_call(_IOCTL[column], [*_load_argument(1), *_deny_if(_FIOSETOWN, _SIOCSPGRP, _TIOCSTI)])
    return b"".join([*code, *_return(_ALLOW)])


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load(offset: int) -> list[bytes]:
    """Of struct seccomp_data: the number at 0, the architecture at 4, arguments of 8 bytes from 16."""
    return [_instruction(_LOAD, offset)]


def _load_argument(index: int) -> list[bytes]:
    return _load(16 + 8 * index)  # the low half: both machines are little-endian, and the kernel reads these as int


def _return(value: int) -> list[bytes]:
    return [_instruction(_RET, value)]


def _if_call(number: int, body: list[bytes]) -> list[bytes]:
    """`body` ends in a return on every path."""
    return [_instruction(_JEQ, number, 0, len(body)), *body]


def _allow_if(jump: int, *values: int) -> list[bytes]:
    tests = [each for value in values for each in (_instruction(jump, value, 0, 1), *_return(_ALLOW))]
    return [*tests, *_return(_ERRNO | errno.EPERM)]


def _deny_if(*values: int) -> list[bytes]:
    tests = [each for value in values for each in (_instruction(_JEQ, value, 0, 1), *_return(_ERRNO | errno.EPERM))]
    return [*tests, *_return(_ALLOW)]
