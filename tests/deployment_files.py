"""The files of docs/deployment, read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DOCS = Path(__file__).resolve().parents[1] / "docs"
FILES = DOCS / "deployment"
MANIFESTS = sorted((FILES / "kubernetes").glob("*.yaml"))


def read(path: Path) -> list[dict[str, Any]]:
    return [document for document in YAML(typ="safe").load_all(path) if document]


def manifest(kind: str, name: str) -> dict[str, Any]:
    (found,) = (
        document
        for path in MANIFESTS
        for document in read(path)
        if document["kind"] == kind and document["metadata"]["name"] == name
    )
    return found
