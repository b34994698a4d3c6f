"""One completer for each project, as its configuration says now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from .server_peer import Peer, TcpServer, is_running, listening

WATCHING = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True, "relativePatternSupport": True}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[TcpServer]:
    with listening(folder) as server:
        yield server


@pytest.fixture
async def peer(server: TcpServer) -> AsyncIterator[Peer]:
    async with server.connect() as peer:
        await peer.initialize()
        yield peer


async def test_files_of_one_project_share_a_completer_and_others_have_their_own(peer: Peer, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / ".rung.yaml").write_text("theta: 0.9\n")
    for name in ("one/a.py", "one/sub/b.py", "two/a.py"):
        await ask(peer, (tmp_path / name).as_uri())
    await ask(peer, "untitled:a")
    found = await projects(peer)
    assert [project["root"] for project in found] == [str(tmp_path / "one"), str(tmp_path / "two"), None]
    assert [project["climbs"] for project in found] == [2, 1, 1]
    assert [project["theta"] for project in found] == [0.9, 0.9, 0.5]


async def test_a_changed_configuration_replaces_the_completer_and_its_worker(peer: Peer, tmp_path: Path) -> None:
    config = tmp_path / ".rung.yaml"
    config.write_text("theta: 0.6\n")
    uri = (tmp_path / "a.py").as_uri()
    await ask(peer, uri)
    (old,) = await projects(peer)
    config.write_text("theta: 0.75\n")
    peer.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": config.as_uri(), "type": 2}]})
    await ask(peer, uri)
    (new,) = await projects(peer)
    assert new["theta"] == 0.75
    while is_running(old["worker"]):
        await peer.command("rung.status")
    assert is_running(new["worker"])


async def test_a_changed_configuration_counts_without_a_watching_editor(peer: Peer, tmp_path: Path) -> None:
    config = tmp_path / ".rung.yaml"
    config.write_text("theta: 0.6\n")
    uri = (tmp_path / "a.py").as_uri()
    await ask(peer, uri)
    config.write_text("theta: 0.75\n")
    while (await projects(peer))[0]["theta"] != 0.75:
        await ask(peer, uri)


async def test_an_unusable_configuration_is_told_once_and_what_was_good_goes_on(peer: Peer, tmp_path: Path) -> None:
    config = tmp_path / ".rung.yaml"
    config.write_text("theta: 0.6\n")
    uri = (tmp_path / "a.py").as_uri()
    assert await ask(peer, uri)
    config.write_text("thta: 0.6\n")
    for _ in range(2):
        peer.notify("workspace/didChangeWatchedFiles", {"changes": []})
        assert await ask(peer, uri)
    shown = [m["params"]["message"] for m in peer.received if m["method"] == "window/showMessage"]
    assert len(shown) == 1
    assert "thta" in shown[0]


async def test_with_an_unusable_configuration_from_the_beginning_nothing_is_completed(
    peer: Peer, tmp_path: Path
) -> None:
    (tmp_path / ".rung.yaml").write_text("- 1\n")
    assert await ask(peer, (tmp_path / "a.py").as_uri()) is None


async def test_what_a_project_may_not_set_counts_after_the_click_on_trust(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / ".rung.yaml").write_text("theta: 0.1\n")
    peer.answers["window/showMessageRequest"] = {"title": "Trust"}
    uri = (tmp_path / "a.py").as_uri()
    await ask(peer, uri)
    assert (await projects(peer))[0]["theta"] == 0.5
    question = (await peer.message("window/showMessageRequest"))["params"]
    assert question["actions"] == [{"title": "Trust"}]
    assert "theta" in question["message"]
    while (await projects(peer))[0]["theta"] != 0.1:
        await ask(peer, uri)


async def test_a_question_that_is_never_answered_delays_nothing_and_is_asked_once(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / ".rung.yaml").write_text("theta: 0.1\n")
    for name in ("a.py", "b.py"):
        assert await ask(peer, (tmp_path / name).as_uri())
    await peer.message("window/showMessageRequest")
    assert len([m for m in peer.received if m["method"] == "window/showMessageRequest"]) == 1
    assert (await projects(peer))[0]["theta"] == 0.5


async def test_a_watching_editor_is_asked_to_watch_both_files(server: TcpServer, folder: Path) -> None:
    async with server.connect() as peer:
        await peer.initialize(WATCHING)
        (registration,) = (await peer.message("client/registerCapability"))["params"]["registrations"]
        project, user = registration["registerOptions"]["watchers"]
        assert project["globPattern"] == "**/.rung.yaml"
        assert user["globPattern"] == {"baseUri": folder.as_uri(), "pattern": "config.yaml"}


async def ask(peer: Peer, uri: str) -> Any:
    peer.open(uri, "x")
    return await peer.complete(uri, 0, 1)


async def projects(peer: Peer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await peer.command("rung.status"))["projects"]
    return found
