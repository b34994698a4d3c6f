"""The one folder that cells can write to."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator


class Scratch:
    """What a cell leaves in it must not reach the next."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._changed = self._last_change()

    def is_clean(self) -> bool:
        """Whether nothing was done in it, or to it, since it was cleared: the kernel's note of that cannot be set."""
        try:
            return self._last_change() == self._changed and not any(os.scandir(self._path))
        except OSError:
            return False

    def clear(self) -> None:
        """As it was at first. What cannot be removed stays until the sandbox ends.

        `shutil` would do it too, but for trees that are too deep, and make every process of a cell larger.
        """
        os.chmod(self._path, 0o755)
        names = (os.path.join(self._path, str(number)) for number in itertools.count())
        folders = [self._path]
        while folders:
            folder = folders.pop()
            with contextlib.suppress(OSError):
                for entry in list(os.scandir(folder)):
                    folders += self._remove(entry, folder, names)
                if folder != self._path:
                    os.rmdir(folder)
        with contextlib.suppress(OSError):  # not every file system has attributes
            for attribute in os.listxattr(self._path):
                os.removexattr(self._path, attribute)
        os.utime(self._path, (0, 0))
        self._changed = self._last_change()

    def _remove(self, entry: os.DirEntry[str], folder: str, names: Iterator[str]) -> list[str]:
        """The folder that is to be emptied first, if it is one; moved up before, for then none is too deep."""
        with contextlib.suppress(OSError):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                return []
            os.chmod(entry.path, 0o700)
            if folder == self._path:
                return [entry.path]
            path = next(name for name in names if not os.path.lexists(name))
            os.rename(entry.path, path)
            return [path]
        return []

    def _last_change(self) -> int:
        return os.stat(self._path).st_ctime_ns
