"""Keys of remote rungs: from the environment, else from the keyring. Never from a file of rung."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass, field

import keyring
from keyring.errors import KeyringError

SERVICE = "rung"
KEYRING_SECONDS = 10.0

log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """value: None where no key was found. explanation: a sentence that never holds the key."""

    value: str | None = field(repr=False)
    explanation: str


def resolve_key(key_env: str, limit: float = KEYRING_SECONDS) -> str | None:
    """The key that `key_env` names, or None; why there is none goes to the log.

    limit: seconds for the keyring, which may ask the user to unlock it. Blocks: call it in a thread.
    """
    found = look_up_key(key_env, limit)
    if found.value is None:
        log.warning("%s", found.explanation)
    return found.value


def look_up_key(key_env: str, limit: float = KEYRING_SECONDS) -> KeyLookup:
    """Like `resolve_key`, with what to tell the user."""
    value = os.environ.get(key_env, "").strip()
    if value:
        return KeyLookup(value, f"{key_env} is set in the environment")
    missing = f"{key_env} is not set in the environment"
    # a keyring that hangs keeps its thread, and the lock: then nobody waits for it a second time
    if not _one_at_a_time.acquire(timeout=limit):
        return KeyLookup(None, f"{missing}, and the keyring still does not answer an earlier question")
    lookup = _Keyring(key_env)
    thread = threading.Thread(target=lookup.run, name="rung-keyring", daemon=True)
    thread.start()
    thread.join(limit)
    if thread.is_alive():
        return KeyLookup(
            None, f"{missing}, and the keyring did not answer within {limit:g} s; unlock it or set {key_env}"
        )
    if lookup.problem:
        return KeyLookup(None, f"{missing}, and the keyring failed: {lookup.problem}; set {key_env}")
    if not lookup.value:
        return KeyLookup(None, f"{missing}, nor in the keyring; set it, or run `keyring set {SERVICE} {key_env}`")
    return KeyLookup(lookup.value, f"{key_env} is in the keyring")


class _Keyring:
    """One question to the keyring, in its own thread."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.value: str | None = None
        self.problem = "its backend ended with an error, which is in the log"

    def run(self) -> None:
        try:
            self.value = (keyring.get_password(SERVICE, self.user) or "").strip()
            self.problem = ""
        except KeyringError as error:
            # anything else is a mistake in a backend: the thread's own hook reports it in full
            self.problem = str(error).partition("\n")[0] or type(error).__name__
        finally:
            _one_at_a_time.release()
