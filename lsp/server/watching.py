"""Asks the editor to tell when a file of the configuration changes."""

from __future__ import annotations

import logging

from lsprotocol import types

from rung.cascade.config.places import PROJECT_FILE, user_file
from rung.lsp.server.protocol import ClientRefused, RungProtocol

log = logging.getLogger(__name__)

_ANSWER_S = 10.0
_REGISTRATION = "rung-configuration"


async def watch_configuration(protocol: RungProtocol) -> None:
    """Where the editor cannot, the files' times are looked at with each request anyway."""
    workspace = protocol.client_capabilities.workspace
    watching = workspace.did_change_watched_files if workspace else None
    if watching is None or not watching.dynamic_registration:
        return
    watchers = [types.FileSystemWatcher(glob_pattern=f"**/{PROJECT_FILE}")]
    if watching.relative_pattern_support:
        file = user_file()
        pattern = types.RelativePattern(base_uri=file.parent.as_uri(), pattern=file.name)
        watchers.append(types.FileSystemWatcher(glob_pattern=pattern))
    registration = types.Registration(
        id=_REGISTRATION,
        method=types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
        register_options=types.DidChangeWatchedFilesRegistrationOptions(watchers=watchers),
    )
    params = types.RegistrationParams(registrations=[registration])
    try:
        await protocol.ask(types.CLIENT_REGISTER_CAPABILITY, params, _ANSWER_S)
    except ClientRefused as error:
        log.warning("The configuration is not watched: %s", error)
