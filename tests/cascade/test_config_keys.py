from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from rung.cascade.config import look_up_key, resolve_key


class Backend(KeyringBackend):
    """A keyring whose answer a test gives."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, answer: Callable[[], str | None]) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append((service, username))
        return self.answer()

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _keyring_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("A_KEY", raising=False)
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


def use(answer: Callable[[], str | None]) -> Backend:
    backend = Backend(answer)
    keyring.set_keyring(backend)
    return backend


def test_the_environment_comes_before_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = use(lambda: "from the keyring")
    monkeypatch.setenv("A_KEY", " from-the-environment\n")
    assert resolve_key("A_KEY") == "from-the-environment"
    assert backend.asked == []
    monkeypatch.setenv("A_KEY", "")
    assert resolve_key("A_KEY") == "from the keyring"
    assert backend.asked == [("rung", "A_KEY")]


def test_a_key_that_is_nowhere_is_told_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    use(lambda: None)
    with caplog.at_level(logging.WARNING):
        assert resolve_key("A_KEY") is None
    assert "keyring set rung A_KEY" in caplog.text


def test_a_locked_keyring_is_told() -> None:
    def locked() -> str | None:
        raise KeyringLocked("the collection is locked")

    use(locked)
    found = look_up_key("A_KEY")
    assert found.value is None
    assert "the collection is locked" in found.explanation


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_broken_backend_is_told_and_does_not_break_rung() -> None:
    def broken() -> str | None:
        raise RuntimeError("a mistake of the backend")

    use(broken)
    assert "the keyring failed" in look_up_key("A_KEY").explanation
    use(lambda: "k")
    assert look_up_key("A_KEY").value == "k"


def test_a_keyring_that_hangs_is_not_waited_for() -> None:
    released = threading.Event()
    use(lambda: "late" if released.wait(30) else None)
    assert "did not answer within 0.05 s" in look_up_key("A_KEY", 0.05).explanation
    assert "still does not answer" in look_up_key("A_KEY", 0.05).explanation
    released.set()
    assert look_up_key("A_KEY", 10).value == "late"


def test_a_key_is_not_in_what_is_printed_of_its_lookup() -> None:
    use(lambda: "a-secret-key")
    assert "a-secret-key" not in repr(look_up_key("A_KEY"))
