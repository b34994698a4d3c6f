"""Pulls from a hub: a real HTTP server that redirects to another one for the bytes."""

from __future__ import annotations

import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rung.models.catalogue import CatalogueError, PullFailed, find, finding, installed, pull
from rung.models.catalogue import hub as hub_module
from rung.models.catalogue.entry import Entry, Fim, HubFile

_made = runpy.run_path(str(Path(__file__).with_name("catalogue_made.py")))
tiny_gguf, sha256, COMMIT, PULL_TINY = _made["tiny_gguf"], _made["sha256"], _made["COMMIT"], _made["PULL_TINY"]
MIB = 1 << 20
CONTENT: bytes = tiny_gguf(elements=MIB)  # 4 MiB and a header


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with _made["FakeHub"](CONTENT).serving() as server:
        monkeypatch.setenv("RUNG_MODELS_DIR", str(tmp_path / "store"))
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(hub_module, "_PAUSE", 0.0)
        _catalogue(monkeypatch)
        yield server


def _catalogue(monkeypatch: pytest.MonkeyPatch, known: str | None = None, *repositories: str) -> None:
    sources = tuple(HubFile(r, "t.gguf") for r in repositories or ("org/tiny",))
    entry = Entry("tiny", "Tiny", "MIT", len(CONTENT), known, 1, 8, None, sources)
    monkeypatch.setattr(finding, "CATALOGUE", {"tiny": entry})


def _part(tmp_path: Path) -> Path:
    return tmp_path / "store" / "partial" / "tiny.part"


def _child(known: str = "", limit: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PULL_TINY, known, str(len(CONTENT)), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_pulled_file_is_checked_recorded_and_found(hub: Any, tmp_path: Path) -> None:
    checkpoint = pull("tiny")
    assert checkpoint.path.read_bytes() == CONTENT
    assert (checkpoint.hash_from, checkpoint.sha256, checkpoint.revision) == ("hub", sha256(CONTENT), COMMIT)
    assert (checkpoint.context, checkpoint.fim) == (256, Fim("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"))
    assert find("tiny") == checkpoint.path
    assert installed() == [checkpoint]
    assert not list((tmp_path / "store" / "partial").iterdir())


def test_the_bytes_are_asked_for_at_the_commit_that_was_looked_up(hub: Any) -> None:
    pull("tiny")
    assert hub.paths == ["/org/tiny/resolve/main/t.gguf", f"/org/tiny/resolve/{COMMIT}/t.gguf"]


def test_a_second_pull_asks_for_nothing(hub: Any) -> None:
    assert pull("tiny") == pull("tiny")
    assert len(hub.paths) == 2


def test_a_renamed_repository_is_followed(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _catalogue(monkeypatch, None, "old/tiny")
    assert pull("tiny").path.read_bytes() == CONTENT


def test_a_broken_connection_is_resumed_and_each_byte_sent_once(hub: Any) -> None:
    hub.break_after = MIB + 5000
    assert pull("tiny").path.read_bytes() == CONTENT
    assert hub.ranges[0] is None
    assert hub.ranges[1:] == [f"bytes={MIB + 5000}-"]
    assert hub.if_ranges[1] == hub.etag
    assert hub.bytes_sent == len(CONTENT)


def test_a_killed_pull_is_resumed_by_the_next(hub: Any, tmp_path: Path) -> None:
    hub.stall_after = 2 * MIB
    child = _child()
    _until(lambda: _part(tmp_path).exists() and _part(tmp_path).stat().st_size == 2 * MIB)
    child.kill()
    child.communicate()
    assert installed() == []
    hub.go.set()
    assert pull("tiny").path.read_bytes() == CONTENT
    assert hub.ranges == [None, f"bytes={2 * MIB}-"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(hub: Any, tmp_path: Path) -> None:
    hub.stall_after = 2 * MIB
    child = _child()
    _until(lambda: _part(tmp_path).exists() and _part(tmp_path).stat().st_size == 2 * MIB)
    child.kill()
    child.communicate()
    hub.go.set()
    hub.content = tiny_gguf(elements=MIB, seed=1)
    assert pull("tiny").path.read_bytes() == hub.content
    assert hub.ranges == [None, None]


def test_bytes_under_another_etag_are_sent_whole_and_taken_from_the_beginning(hub: Any) -> None:
    hub.break_after = MIB
    hub_etags = iter(['"bytes-1"', '"bytes-2"', '"bytes-2"'])
    type(hub).etag = property(lambda _: next(hub_etags), lambda _, __: None)
    try:
        assert pull("tiny").path.read_bytes() == CONTENT
    finally:
        del type(hub).etag
    assert hub.if_ranges == [None, '"bytes-1"']


def test_a_wrong_hash_leaves_nothing_and_the_next_source_is_tried(
    hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _catalogue(monkeypatch, None, "org/tiny", "org/mirror")
    hub.announced = ("0" * 64, len(CONTENT))
    with pytest.raises(PullFailed, match=r"org/tiny.*instead of 0{64}.*org/mirror.*instead of"):
        pull("tiny")
    assert not list((tmp_path / "store" / "partial").iterdir())
    assert not (tmp_path / "store" / "tiny.gguf").exists()
    assert hub.ranges == [None, None]


def test_a_hub_that_names_another_hash_than_the_catalogue_is_not_downloaded_from(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _catalogue(monkeypatch, "0" * 64)
    with pytest.raises(PullFailed, match="another file now"):
        pull("tiny")
    assert hub.ranges == []


def test_what_is_no_gguf_is_not_kept(hub: Any, tmp_path: Path) -> None:
    hub.content = b"<html>" * 1000
    with pytest.raises(PullFailed, match="not usable"):
        pull("tiny")
    assert not (tmp_path / "store" / "tiny.gguf").exists()


def test_more_bytes_than_announced_are_refused(hub: Any) -> None:
    hub.extra = b"x" * 10
    with pytest.raises(PullFailed, match="more than the"):
        pull("tiny")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (404, "EntryNotFound", r"has no t\.gguf at revision main"),
        (401, "RepoNotFound", r"has no t\.gguf"),
        (401, "GatedRepo", "accept the terms at .*/org/tiny .*HF_TOKEN"),
        (403, "", "HF_TOKEN"),
        (500, "", "answered 500"),
        (200, "", "named no SHA-256"),
    ],
)
def test_a_refusal_is_told_in_a_sentence(hub: Any, status: int, code: str, said: str) -> None:
    hub.status, hub.error_code = status, code
    with pytest.raises(PullFailed, match=rf"No source gave tiny: model hub \(org/tiny\): .*{said}.*\.$"):
        pull("tiny")


def test_the_token_goes_to_the_hub_and_not_where_it_redirects(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pull("tiny")
    assert hub.tokens == {"hub": ["Bearer hf_secret"] * 2, "bytes": [None]}


@pytest.mark.parametrize("endpoint", ["ftp://x", "http://x:y", "nonsense"])
def test_an_unusable_endpoint_is_told(hub: Any, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(PullFailed, match="address"):
        pull("tiny")


def test_no_server_is_told(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(PullFailed, match="the connection failed"):
            pull("tiny")


def test_two_pulls_at_once_download_once(hub: Any) -> None:
    hub.stall_after = MIB
    first = _child()
    _until(lambda: hub.bytes_sent >= MIB)
    second = _child()
    assert second.stdout is not None
    assert "waiting" in second.stdout.readline()
    hub.go.set()
    assert [child.wait(30) for child in (first, second)] == [0, 0]
    assert first.communicate()[0] == second.communicate()[0]
    assert hub.ranges == [None]


def test_a_crash_after_the_rename_is_mended_without_a_download(hub: Any, tmp_path: Path) -> None:
    checkpoint = pull("tiny")
    (tmp_path / "store" / "records" / "tiny.json").unlink()
    part = _part(tmp_path)
    part.with_name("tiny.part.json").write_text(f'{{"sha256": "{sha256(CONTENT)}"}}')
    assert pull("tiny").path == checkpoint.path
    assert installed()[0].hash_from == "hub"
    assert len(hub.ranges) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_a_file_size_limit_in_the_middle_ends_in_a_sentence_and_leaves_nothing_whole(hub: Any, tmp_path: Path) -> None:
    child = _child(limit=MIB + 100)
    error = child.communicate(timeout=30)[1]
    assert child.returncode == 1
    assert f"needs {len(CONTENT) - MIB - 100:,} bytes more" in error
    assert error.startswith("DiskFull:")
    assert not (tmp_path / "store" / "tiny.gguf").exists()
    assert pull("tiny").path.read_bytes() == CONTENT
    assert hub.ranges[-1] == f"bytes={MIB + 100}-"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_that_fills_up_ends_in_a_sentence(hub: Any, tmp_path: Path) -> None:
    part = _part(tmp_path)
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    part.with_name("tiny.part.json").write_text(f'{{"sha256": "{sha256(CONTENT)}"}}')
    with pytest.raises(CatalogueError, match=rf"full or limited \(No space left.*needs {len(CONTENT):,} bytes more"):
        pull("tiny")


def test_a_disk_without_room_is_seen_before_the_download(
    hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    if sys.platform != "linux" or subprocess.call(["mount", "-t", "tmpfs", "-o", "size=2m", "none", mount], stderr=-3):
        pytest.skip("cannot mount a small disk here")
    try:
        monkeypatch.setenv("RUNG_MODELS_DIR", str(mount))
        with pytest.raises(CatalogueError, match="bytes more and its disk has"):
            pull("tiny")
        assert hub.ranges == []
    finally:
        subprocess.check_call(["umount", mount])
