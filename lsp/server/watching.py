"""Asks the editor to tell when a file changes: of the configuration, or one that the index of the code has."""

from __future__ import annotations

import logging

from lsprotocol import types

from rung.cascade.config.places import PROJECT_FILE, user_file
from rung.lsp.server.protocol import ClientRefused, RungProtocol

log = logging.getLogger(__name__)

_ANSWER_S = 10.0


async def watch_files(protocol: RungProtocol) -> None:
    """Where the editor cannot, the configuration is looked at with each request, and the code when it is saved."""
    workspace = protocol.client_capabilities.workspace
    watching = workspace.did_change_watched_files if workspace else None
    if watching is None or not watching.dynamic_registration:
        return
    configuration = [types.FileSystemWatcher(glob_pattern=f"**/{PROJECT_FILE}")]
    if watching.relative_pattern_support:
        file = user_file()
        pattern = types.RelativePattern(base_uri=file.parent.as_uri(), pattern=file.name)
        configuration.append(types.FileSystemWatcher(glob_pattern=pattern))
    await _watch(protocol, "rung-configuration", configuration)
    await _watch(protocol, "rung-code", [types.FileSystemWatcher(glob_pattern="**/*")])


async def _watch(protocol: RungProtocol, name: str, watchers: list[types.FileSystemWatcher]) -> None:
    registration = types.Registration(
        id=name,
        method=types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
        register_options=types.DidChangeWatchedFilesRegistrationOptions(watchers=watchers),
    )
    params = types.RegistrationParams(registrations=[registration])
    try:
        await protocol.ask(types.CLIENT_REGISTER_CAPABILITY, params, _ANSWER_S)
    except ClientRefused as error:
        log.warning("%s is not watched: %s", name, error)
