"""One completer for each project, as its configuration says now."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rung.cascade.config import ConfigError, Settings, load
from rung.cascade.config.places import PROJECT_FILE, trust_folder, user_file
from rung.lsp.notice import Level, Notice
from rung.lsp.server.contract import Completer, MakeCompleter
from rung.lsp.server.notices import Notices
from rung.lsp.server.protocol import log_failure
from rung.lsp.server.trusting import Trusting

LOOK_S = 1.0  # between two looks at the files of the configuration
CLOSE_S = 10.0
MAX_LOOKS = 1000  # folders
_FINISH_S = 60.0  # for the climbs of a completer whose configuration was replaced

Signature = tuple[tuple[int, int, int] | None, ...]


class Project:
    """Its present completer.

    from_memory: requests answered so. from_models: those that models were asked for. from_underway: answered with what
    models were writing for an earlier one. found_ahead: answers before a request.
    """

    def __init__(self, settings: Settings, completer: Completer) -> None:
        self.settings = settings
        self.completer = completer
        self.from_memory = 0
        self.from_models = 0
        self.from_underway = 0
        self.found_ahead = 0
        self._climbs = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def root(self) -> Path | None:
        """None for files outside any project."""
        return self.settings.project_root

    @contextmanager
    def climbing(self) -> Iterator[None]:
        """Keeps the completer open meanwhile."""
        self._climbs += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._climbs -= 1
            if self._climbs == 0:
                self._idle.set()

    async def retire(self) -> None:
        """Close its completer once nothing climbs any more."""
        try:
            await asyncio.wait_for(self._idle.wait(), _FINISH_S)
        except TimeoutError:
            pass
        finally:
            await close_completer(self.completer)


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    signature: Signature
    settings: Settings | None


class Projects:
    """Finds the project of a file; makes its completer, and another one when the configuration has changed.

    latest: where a completion was asked for last. on_open: told of each new project, or one with a new configuration.
    """

    def __init__(self, make: MakeCompleter, notices: Notices) -> None:
        self._make = make
        self._notices = notices
        self._trusting = Trusting(notices, self.look_again)
        self._looks: dict[Path | None, _Look] = {}
        self._projects: dict[Path | None, Project] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._closed = False
        self.latest: Project | None = None
        self.on_open: Callable[[Project], None] = lambda _: None

    @property
    def all(self) -> tuple[Project, ...]:
        return tuple(self._projects.values())

    def look_again(self) -> None:
        """The next request reads the configuration anew where its files have changed."""
        self._looks = {folder: replace(look, at=0.0) for folder, look in self._looks.items()}

    async def of(self, file: Path | None) -> Project | None:
        """None: its configuration cannot be used, which the user was told, or the session has ended."""
        settings = await self._settings(file.parent if file else None)
        if settings is None or self._closed:
            return None
        project = self._projects.get(settings.project_root)
        if project is None or project.settings.config != settings.config:
            project = self._open(settings, project)
        elif project.settings is not settings:
            project.settings = settings
            self._trusting.tell(settings)
        return project

    async def close(self) -> None:
        """Close every completer, within CLOSE_S."""
        self._closed = True
        closing = {asyncio.ensure_future(close_completer(project.completer)) for project in self.all}
        for task in self._retiring:
            task.cancel()  # goes on with closing
        self._projects.clear()
        if closing or self._retiring:
            await asyncio.wait(closing | self._retiring, timeout=CLOSE_S)

    def _open(self, settings: Settings, old: Project | None) -> Project:
        project = Project(settings, self._make(settings, self._notices.tell))
        self.on_open(project)
        self._projects[settings.project_root] = project
        if old is not None:
            task = asyncio.get_running_loop().create_task(old.retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        self._trusting.tell(settings)
        return project

    async def _settings(self, folder: Path | None) -> Settings | None:
        look = self._looks.get(folder)
        if look is None or time.monotonic() - look.at >= LOOK_S:
            look = await asyncio.to_thread(self._look, folder, look)
            if len(self._looks) >= MAX_LOOKS:
                self._looks.clear()
            self._looks[folder] = look
        return look.settings

    def _look(self, folder: Path | None, old: _Look | None) -> _Look:
        """In a thread. After an error what was good before goes on to count: a project's file may be what forbids."""
        signature = _signature(folder)
        if old is not None and signature == old.signature:
            return _Look(time.monotonic(), signature, old.settings)
        settings = old.settings if old is not None else None
        try:
            settings = load(folder)
        except ConfigError as error:
            self._notices.tell(Notice(Level.ERROR, str(error)))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            self._notices.tell(Notice(Level.ERROR, f"The configuration for {folder} cannot be read: {reason}"))
        return _Look(time.monotonic(), signature, settings)


async def close_completer(completer: Completer) -> None:
    """A completer that fails in closing is logged."""
    task = asyncio.ensure_future(completer.close())
    await asyncio.wait({task}, timeout=CLOSE_S)
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        log_failure("Closing a completer", error)


def _signature(folder: Path | None) -> Signature:
    """Changes when a file does that the configuration for `folder` is read from."""
    folders = [] if folder is None else [folder, *folder.parents]
    files = [above / PROJECT_FILE for above in folders]
    return tuple(_stat(path) for path in (*files, user_file(), trust_folder()))


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
