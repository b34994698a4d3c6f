"""`rung doctor`: each line is ok, or says what to do."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rung.lsp.cli.main import app


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUNG_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("RUNG_DB", str(tmp_path / "rung.db"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "500")  # one finding a line
    (tmp_path / "project").mkdir()
    return tmp_path


@pytest.fixture
def endpoint() -> Iterator[str]:
    """A server that has the model `coder`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": [{"id": "coder"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def examine(folder: Path, configuration: str) -> tuple[Result, dict[str, str]]:
    """The findings' lines by their subject."""
    (folder / "config.yaml").write_text(configuration)
    result = CliRunner().invoke(app, ["doctor", str(folder / "project")])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    lines = result.stdout.splitlines()
    assert all(re.match(r"(ok|--|!!) [^:]+: .*\.$", line) for line in lines), lines
    return result, {line[3:].partition(":")[0]: line for line in lines}


def remote(url: str, more: str = "") -> str:
    return f"ladder:\n  - {{name: large, url: '{url}', model: coder, k: 0{more}}}\n"


def test_what_is_well_is_ok_and_the_status_is_0(own_files: Path, endpoint: str) -> None:
    result, lines = examine(own_files, remote(endpoint) + "budget: {usd_per_day: 2.5, tokens_per_day: null}\n")
    assert result.exit_code == 0
    assert list(lines) == ["llama.cpp", "sandbox", "configuration", "rung large", "budget"]
    assert lines["configuration"] == f"ok configuration: {own_files / 'config.yaml'}."
    assert lines["rung large"].startswith("ok ")
    assert lines["rung large"].endswith("answers and has the model 'coder'.")
    assert "$0.0000 of $2.5 and 0 of no limit tokens today, 0 of 120 escalations this hour." in lines["budget"]


def test_a_model_that_the_server_does_not_list_is_wrong(own_files: Path, endpoint: str) -> None:
    result, lines = examine(own_files, remote(endpoint).replace("coder", "other"))
    assert result.exit_code == 1
    assert lines["rung large"].startswith("!! ")
    assert "does not list the model 'other'; it lists coder." in lines["rung large"]


def test_a_dead_endpoint_is_wrong_and_what_follows_is_examined_still(own_files: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        result, lines = examine(own_files, remote(f"http://127.0.0.1:{unused.getsockname()[1]}/v1"))
    assert result.exit_code == 1
    assert lines["rung large"].startswith("!! ")
    assert lines["rung large"].endswith("cannot be reached; start it or check the URL.")
    assert lines["budget"].startswith("ok ")


def test_a_key_that_is_not_set_is_named_and_the_server_is_not_asked(own_files: Path, endpoint: str) -> None:
    result, lines = examine(own_files, remote(endpoint, ", key_env: RUNG_TEST_KEY_NOT_SET"))
    assert result.exit_code == 1
    assert lines["rung large"].startswith("!! ")
    assert "RUNG_TEST_KEY_NOT_SET" in lines["rung large"]


@pytest.mark.parametrize(
    ("checkpoint", "said"),
    [
        ("smollm2-135m", "is not on this machine yet: run `rung models pull smollm2-135m`."),
        ("smollm2-136m", "did you mean smollm2-135m?"),
        ("/nowhere/a.gguf", "correct the path to the .gguf file."),
    ],
)
def test_a_missing_checkpoint_is_wrong_and_says_what_to_do(
    own_files: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: str, said: str
) -> None:
    monkeypatch.setenv("RUNG_MODELS_DIR", str(own_files / "empty"))
    (own_files / "config.yaml").write_text(f"ladder:\n  - {{name: small, checkpoint: {checkpoint}}}\n")
    result = CliRunner().invoke(app, ["doctor", str(own_files / "project")])
    (line,) = [line for line in result.stdout.splitlines() if "rung small" in line]
    assert result.exit_code == 1
    assert line.startswith("!! ")
    assert line.endswith(said)


def test_a_wrong_configuration_ends_it_with_each_problem(own_files: Path) -> None:
    (own_files / "config.yaml").write_text("theta: 2\nladders: []\n")
    result = CliRunner().invoke(app, ["doctor", str(own_files / "project")])
    assert result.exit_code == 1
    said = result.stdout.partition("!! configuration: ")[2]
    assert "config.yaml, line 1:" in said
    assert "config.yaml, line 2:" in said
    assert "budget" not in said


def test_a_projects_settings_that_wait_for_trust_are_told_and_not_wrong(own_files: Path, endpoint: str) -> None:
    (own_files / "project" / ".rung.yaml").write_text("budget: {usd_per_day: 1000}\n")
    result, lines = examine(own_files, remote(endpoint))
    assert result.exit_code == 0
    assert lines["configuration"].startswith("-- ")
    assert lines["configuration"].endswith("1 settings of the project wait for `rung trust`.")


def test_a_ledger_that_cannot_be_read_is_wrong(own_files: Path, endpoint: str) -> None:
    (own_files / "rung.db").mkdir()
    result, lines = examine(own_files, remote(endpoint))
    assert result.exit_code == 1
    assert lines["budget"].startswith("!! ")


@pytest.mark.real
def test_a_checkpoint_that_is_here_is_loaded_and_timed(own_files: Path, smollm2: Path) -> None:
    _, lines = examine(own_files, f"ladder:\n  - {{name: small, checkpoint: {smollm2}, context: 512, k: 0}}\n")
    assert re.fullmatch(
        rf"ok rung small: {re.escape(str(smollm2))} loads in [\d.]+ s and writes \d+ tokens a second\.",
        lines["rung small"],
    )


@pytest.mark.real
def test_a_checkpoint_that_is_damaged_is_wrong(own_files: Path) -> None:
    damaged = own_files / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + b"\0" * 100)
    result, lines = examine(own_files, f"ladder:\n  - {{name: small, checkpoint: {damaged}, k: 0}}\n")
    assert result.exit_code == 1
    assert lines["rung small"].startswith("!! ")
