"""The model hub as a source: the protocol of huggingface.co, which mirrors speak too.

A HEAD of REPOSITORY/resolve/REVISION/FILE names the file's SHA-256 (X-Linked-Etag), its size (X-Linked-Size) and its
commit (X-Repo-Commit), and redirects to where the bytes lie. Own code on httpx, because `huggingface_hub` keeps a cache
of its own, does not check the SHA-256 of what it downloads, and brings a dozen packages.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from rung.models.catalogue.entry import HubFile
from rung.models.catalogue.errors import SourceFailed
from rung.models.catalogue.part import Expected, Part
from rung.models.catalogue.progress import Progress

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_MAX_REDIRECTS = 5
_MAX_FAILURES = 6  # without a byte between them
_MAX_CONNECTIONS = 200
_PAUSE = 0.25  # seconds; doubles with each failure
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on the hub at one commit, so that it cannot change while it is fetched."""

    url: str
    revision: str
    expected: Expected


class Hub:
    """HF_ENDPOINT names a mirror, HF_TOKEN the user's token; the token goes to the endpoint's own host only."""

    def __init__(self) -> None:
        self._endpoint = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or "https://huggingface.co"
        token = os.environ.get("HF_TOKEN", "").strip()
        if not token.isascii() or not token.isprintable():
            raise SourceFailed("HF_TOKEN holds characters that no token has")
        headers = {"Accept-Encoding": "identity", "User-Agent": "rung"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            usable = httpx.URL(self._endpoint).scheme in ("http", "https")
            self._client = httpx.Client(headers=headers, timeout=_TIMEOUT)
        except (httpx.InvalidURL, ValueError, ImportError) as error:  # of HF_ENDPOINT, or of a proxy variable
            raise SourceFailed(f"its address or the proxy's cannot be used ({error})") from error
        if not usable:
            raise SourceFailed(f"HF_ENDPOINT is no http or https address: {self._endpoint}")

    def look_up(self, file: HubFile) -> Remote:
        """Ask what the file is. Raises SourceFailed."""
        url = f"{self._endpoint}/{quote(file.repository)}/resolve/{{}}/{quote(file.file)}"
        at_revision = url.format(quote(file.revision, safe=""))
        try:
            with self._send("HEAD", at_revision, {}, until="X-Linked-Etag") as answer:
                if "X-Linked-Etag" not in answer.headers:
                    self._check(answer, file)
                etag = answer.headers.get("X-Linked-Etag", "").strip('"')
                size = answer.headers.get("X-Linked-Size", "")
                commit = answer.headers.get("X-Repo-Commit", "")
        except httpx.TransportError as error:
            raise SourceFailed(_reason(error)) from error
        if not _SHA256.fullmatch(etag) or not size.isdecimal() or not 0 < int(size) < 1 << 50:
            raise SourceFailed(f"it named no SHA-256 and size of {file.file}")
        pinned = commit if _COMMIT.fullmatch(commit) else file.revision
        return Remote(url.format(quote(pinned, safe="")), pinned, Expected(int(size), etag))

    def fetch(self, file: HubFile, remote: Remote, part: Part, progress: Progress) -> None:
        """Bring `part` to its full length, going on after interruptions. Raises SourceFailed, DiskFull, StoreError."""
        failures = 0
        for _ in range(_MAX_CONNECTIONS):
            before = part.length
            if before >= remote.expected.size:
                return
            try:
                self._fetch_once(file, remote, part, progress)
                if part.length < remote.expected.size:
                    raise httpx.RemoteProtocolError("it ended before the end of the file")
            except httpx.TransportError as error:
                failures = 1 if part.length > before else failures + 1
                if failures >= _MAX_FAILURES:
                    raise SourceFailed(_reason(error)) from error
                time.sleep(_PAUSE * 2**failures)
        if part.length < remote.expected.size:
            raise SourceFailed(f"the connection broke {_MAX_CONNECTIONS} times")

    def close(self) -> None:
        self._client.close()

    def _fetch_once(self, file: HubFile, remote: Remote, part: Part, progress: Progress) -> None:
        size, begin = remote.expected.size, part.length
        headers = {"Range": f"bytes={begin}-"} if begin else {}
        if begin and part.etag:
            headers["If-Range"] = part.etag
        with self._send("GET", remote.url, headers) as answer:
            if answer.status_code == 416:
                part.cut(0)
                raise httpx.RemoteProtocolError("it refused to go on where the download stopped")
            self._check(answer, file)
            asked = f"bytes {begin}-{size - 1}/{size}"
            if answer.status_code == 206 and answer.headers.get("Content-Range", "") != asked:
                part.cut(0)
                raise httpx.RemoteProtocolError("it sent another range than it was asked for")
            if answer.status_code == 200:
                part.cut(0)
            etag = answer.headers.get("ETag", "")
            part.save_etag("" if etag.startswith("W/") else etag)
            with part.append(remote.expected) as file_end:
                progress.advance("downloading", file_end.length, size)
                for chunk in answer.iter_raw():
                    if file_end.length + len(chunk) > size:
                        raise SourceFailed(f"it sent more than the {size:,} bytes that it had announced")
                    file_end.write(chunk)
                    progress.advance("downloading", file_end.length, size)

    @contextmanager
    def _send(self, method: str, url: str, headers: dict[str, str], until: str = "") -> Iterator[httpx.Response]:
        """Follow redirects, but not from https to http, and stop at an answer that has the header `until`.

        httpx takes the Authorization header off a request to another host.
        """
        request: httpx.Request | None = self._client.build_request(method, url, headers=headers)
        for _ in range(_MAX_REDIRECTS):
            assert request is not None
            answer = self._client.send(request, stream=True)
            try:
                if answer.next_request is None or (until and until in answer.headers):
                    yield answer
                    return
                if request.url.scheme == "https" and answer.next_request.url.scheme != "https":
                    raise SourceFailed("it redirected from https to an unencrypted address")
                request = answer.next_request
            finally:
                answer.close()
        raise SourceFailed(f"it redirected more than {_MAX_REDIRECTS} times")

    def _check(self, answer: httpx.Response, file: HubFile) -> None:
        status, code = answer.status_code, answer.headers.get("X-Error-Code", "")
        page = f"{self._endpoint}/{file.repository}"
        if status in (401, 403) and code != "RepoNotFound":
            raise SourceFailed(
                f"it answered {status}: accept the terms at {page} if it asks for that, and set HF_TOKEN to a token "
                "that may read it"
            )
        if status in (401, 404):
            raise SourceFailed(f"it has no {file.file} at revision {file.revision} ({status})")
        if status not in (200, 206):
            raise SourceFailed(f"it answered {status}")


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it did not answer in time"
    return f"the connection failed ({error})" if str(error) else "the connection failed"
