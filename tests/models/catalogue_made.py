"""Made for the tests of the catalogue: a tiny GGUF, wheels around it, and a hub with its store of bytes elsewhere."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FIM_TOKENS = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")

# Run in a process of its own: `python -c PULL_TINY SHA256-or-empty` pulls `tiny` from HF_ENDPOINT.
PULL_TINY = """
import sys
from rung.models.catalogue import CatalogueError, finding
from rung.models.catalogue.entry import Entry, HubFile
sha256, size = sys.argv[1], int(sys.argv[2])
sources = (HubFile("org/tiny", "t.gguf"),)
finding.CATALOGUE = {"tiny": Entry("tiny", "Tiny", "MIT", size, sha256 or None, 1, 8, None, sources)}
limit = int(sys.argv[3])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
command = sys.argv[4:]
if command:
    from rung.lsp.cli import models
    models.app(command)
from rung.models.catalogue import pull
class Notes:
    def note(self, sentence): print(sentence, flush=True)
    def advance(self, stage, done, total): pass
try:
    print(pull("tiny", Notes()).path)
except CatalogueError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _pair(key: str, kind: int, value: bytes) -> bytes:
    return _text(key) + struct.pack("<I", kind) + value


def tiny_gguf(
    *,
    title: str = "Tiny",
    tokens: tuple[str, ...] = ("a", *FIM_TOKENS),
    elements: int = 64,
    context: int = 256,
    seed: int = 0,
) -> bytes:
    """A valid GGUF of version 3 with one tensor of `elements` random floats."""
    pairs = [
        _pair("general.architecture", 8, _text("llama")),
        _pair("general.name", 8, _text(title)),
        _pair("general.license", 8, _text("mit")),
        _pair("nested", 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQ", 4, 2) + bytes(8)),
        _pair("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, len(tokens)) + b"".join(map(_text, tokens))),
        _pair("tokenizer.ggml.add_bos_token", 7, b"\x01"),
        _pair("llama.context_length", 4, struct.pack("<I", context)),
    ]
    tensor = _text("w") + struct.pack("<IQIQ", 1, elements, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs)) + b"".join(pairs) + tensor
    return head + bytes(-len(head) % 32) + random.Random(seed).randbytes(4 * elements)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wheel(folder: Path, package: str, members: dict[str, bytes], version: str = "1.0") -> Path:
    """A wheel that pip accepts."""
    plain = package.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    path = folder / f"{plain}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


class FakeHub:
    """Speaks the hub's protocol on one port; the bytes lie on another. Tests set what it does.

    content: of the file. announced: the SHA-256 and size it names (None: the truth). etag: of the bytes.
    break_after: the first connection ends after so many bytes of its body. stall_after: each waits there for `go`.
    status: of the hub's answer instead. ranges: the Range header of each request for bytes.
    """

    def __init__(self, content: bytes) -> None:
        self.content, self.etag = content, '"bytes-1"'
        self.announced: tuple[str, int] | None = None
        self.break_after: int | None = None
        self.stall_after: int | None = None
        self.status, self.error_code, self.extra = 0, "", b""
        self.go = threading.Event()
        self.ranges: list[str | None] = []
        self.if_ranges: list[str | None] = []
        self.bytes_sent = 0
        self.tokens: dict[str, list[str | None]] = {"hub": [], "bytes": []}
        self.paths: list[str] = []
        self.endpoint = ""
        self.bytes_url = ""

    @contextmanager
    def serving(self) -> Iterator[FakeHub]:
        hub, cdn = self._server(self._answer_hub), self._server(self._answer_bytes)
        self.endpoint = f"http://127.0.0.1:{hub.server_port}"
        self.bytes_url = f"http://127.0.0.1:{cdn.server_port}/blob"
        threads = [threading.Thread(target=s.serve_forever, kwargs={"poll_interval": 0.01}) for s in (hub, cdn)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.go.set()
            for server in (hub, cdn):
                server.shutdown()
                server.server_close()
            for thread in threads:
                thread.join()

    def _server(self, answer: object) -> ThreadingHTTPServer:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                answer(self)  # type: ignore[operator]

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None: ...  # a killed client resets its connection

        return Server(("127.0.0.1", 0), Handler)

    def _answer_hub(self, request: BaseHTTPRequestHandler) -> None:
        self.tokens["hub"].append(request.headers.get("Authorization"))
        self.paths.append(request.path)
        if self.status:
            request.send_response(self.status)
            if self.error_code:
                request.send_header("X-Error-Code", self.error_code)
        elif request.path.startswith("/old/"):
            request.send_response(307)
            request.send_header("Location", request.path.replace("/old/", "/org/"))
        else:
            named, size = self.announced or (sha256(self.content), len(self.content))
            request.send_response(302)
            request.send_header("Location", self.bytes_url)
            request.send_header("X-Linked-Etag", f'"{named}"')
            request.send_header("X-Linked-Size", str(size))
            request.send_header("X-Repo-Commit", COMMIT)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _answer_bytes(self, request: BaseHTTPRequestHandler) -> None:
        self.tokens["bytes"].append(request.headers.get("Authorization"))
        asked, condition = request.headers.get("Range"), request.headers.get("If-Range")
        self.ranges.append(asked)
        self.if_ranges.append(condition)
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and condition in (None, self.etag) else 0
        body = self.content[begin:] + self.extra
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(self.content) - 1}/{len(self.content)}")
        request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.flush()
        if self.break_after is not None:
            body, self.break_after = body[: self.break_after], None
            request.close_connection = True
        try:
            if self.stall_after is not None:
                request.wfile.write(body[: self.stall_after])
                self.bytes_sent += len(body[: self.stall_after])
                body = body[self.stall_after :]
                self.go.wait(60)
            request.wfile.write(body)
            self.bytes_sent += len(body)
        except OSError:
            request.close_connection = True  # the client was killed


def as_json(path: Path) -> dict[str, object]:
    value = json.loads(path.read_text())
    assert isinstance(value, dict)
    return value
