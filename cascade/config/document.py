"""A YAML file as plain data and the line of every key. The file is untrusted.

No tags, no duplicate keys, no merge keys, bounded size, depth and aliases.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from rung.cascade.config.problems import ConfigError
from rung.cascade.config.rules import Where
from rung.cascade.config.sentences import quoted

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
MAX_ALIASES = 64
MAX_VALUES = 20_000

PLAIN = {"null": type(None), "bool": bool, "int": int, "float": float}
TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. lines: 1-based, of every key and list item. content: the exact bytes."""

    path: Path
    data: dict[str, object]
    lines: dict[Where, int]
    content: bytes

    def line(self, where: Where) -> int:
        """The line of the nearest key at or above `where`; 1 for the file itself."""
        while where:
            if where in self.lines:
                return self.lines[where]
            where = where[:-1]
        return 1


def read(path: Path, *, follow_links: bool) -> bytes:
    """The bytes of a regular file of at most 64 KiB; never waits for a pipe or a device.

    Raises ConfigError, and FileNotFoundError where nothing has that name.
    """
    try:
        if not follow_links and path.is_symlink():
            raise ConfigError([f"{path} is a symbolic link; rung only reads a file that lies there itself"])
        # without O_NONBLOCK a named pipe would wait for its writer
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        if not follow_links:
            flags |= getattr(os, "O_NOFOLLOW", 0)
        if not stat.S_ISREG(path.stat().st_mode):  # opening a device may already do something
            raise ConfigError([f"{path} is not a regular file; remove it or make it one"])
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError([f"{path} is not a regular file; remove it or make it one"])
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError([f"{path} cannot be read: {error.strerror or error}"]) from error
    if len(content) > MAX_BYTES:
        raise ConfigError([f"{path} is larger than {MAX_BYTES // 1024} KiB; a configuration never is"])
    return content


def parse(path: Path, content: bytes) -> Document:
    """`content` as data. Raises ConfigError with one sentence."""
    return _Reader(path).document(content)


class _Reader:
    """Walks the nodes of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Where, int] = {}
        self.values = 0
        self.open: set[int] = set()
        self.yaml = YAML(typ="safe", pure=True)

    def document(self, content: bytes) -> Document:
        text = self._decode(content)
        try:
            self._check_events(text)
            node = self.yaml.compose(text)
            data = {} if node is None else self._value(node, (), 0)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._error(mark.line if mark else 0, _said(error)) from error
        except YAMLError as error:  # characters that YAML does not allow
            position = getattr(error, "position", 0)
            raise self._error(text.count("\n", 0, position), "a character that YAML does not allow") from error
        if data is None:
            data = {}
        if not isinstance(data, dict):
            raise self._error(0, "a configuration is a mapping, such as `enabled: true`")
        return Document(self.path, data, self.lines, content)

    def _decode(self, content: bytes) -> str:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._error(
                content.count(b"\n", 0, error.start), "this is not UTF-8; save the file as UTF-8"
            ) from error

    def _check_events(self, text: str) -> None:
        """Before anything recursive sees the file. Parsing to events keeps its own stack."""
        depth = aliases = documents = 0
        for event in self.yaml.parse(text):
            line = event.start_mark.line
            if isinstance(event, CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise self._error(line, f"nested deeper than {MAX_DEPTH} levels")
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
            elif isinstance(event, AliasEvent):
                aliases += 1
                if aliases > MAX_ALIASES:
                    raise self._error(line, f"more than {MAX_ALIASES} aliases")
            elif isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(line, "a second document begins here (`---`); a configuration is one")
            tag = event.tag if isinstance(event, ScalarEvent | CollectionStartEvent) else None
            if tag is not None:
                raise self._error(line, f"tags are not allowed: {quoted(tag)}")

    def _value(self, node: Node, where: Where, depth: int) -> object:
        self.values += 1
        line = node.start_mark.line
        if self.values > MAX_VALUES:  # aliases of aliases
            raise self._error(line, f"more than {MAX_VALUES} values once its aliases are followed")
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self.open or depth > MAX_DEPTH:
            raise self._error(line, "an alias that contains itself, or too deep a nesting of aliases")
        self.open.add(id(node))
        value: object
        if isinstance(node, SequenceNode):
            value = tuple(self._item(item, (*where, i), depth) for i, item in enumerate(node.value))
        elif isinstance(node, MappingNode):
            value = self._mapping(node, where, depth)
        self.open.discard(id(node))
        return value

    def _item(self, node: Node, where: Where, depth: int) -> object:
        self.lines[where] = node.start_mark.line + 1
        return self._value(node, where, depth + 1)

    def _mapping(self, node: MappingNode, where: Where, depth: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line
            key = self._scalar(key_node) if isinstance(key_node, ScalarNode) else None
            if key_node.value == "<<":
                raise self._error(line, "merge keys (`<<`) are not supported; write the keys out")
            if not isinstance(key, str):
                raise self._error(line, "a key must be a word")
            if key in mapping:
                first = self.lines[(*where, key)]
                raise self._error(line, f"key {quoted(key)} is there twice, first in line {first}; keep one")
            self.lines[(*where, key)] = line + 1
            mapping[key] = self._value(value_node, (*where, key), depth + 1)
        return mapping

    def _scalar(self, node: ScalarNode) -> object:
        kind = str(node.tag).removeprefix(TAG)
        if kind not in PLAIN:
            return str(node.value)
        try:
            value = self.yaml.constructor.construct_object(node)
        except (ValueError, OverflowError) as error:  # such as an integer of 5,000 digits
            raise self._error(node.start_mark.line, f"{quoted(node.value)} is not a number that can be used") from error
        return value

    def _error(self, line: int, sentence: str) -> ConfigError:
        return ConfigError([f"{self.path.name}, line {line + 1}: {sentence}"])


def _said(error: MarkedYAMLError) -> str:
    problem = str(error.problem or error.context or "this is not YAML")
    if "\\t" in problem or "\t" in problem:
        return "a tab cannot indent YAML; use blanks"
    return f"this is not YAML ({quoted(problem).strip(chr(34))})"
