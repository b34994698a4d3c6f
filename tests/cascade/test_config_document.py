from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.cascade.config.document import MAX_BYTES, parse, read
from rung.cascade.config.problems import ConfigError

FILE = Path("config.yaml")
posix = pytest.mark.skipif(os.name != "posix", reason="named pipes and links as POSIX has them")


def sentence(text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(FILE, text.encode() if isinstance(text, str) else text)
    (only,) = caught.value.sentences
    return only


def test_a_document_knows_the_line_of_every_key_and_item() -> None:
    document = parse(FILE, b"a: 1\nb:\n  - c: x\n    d: [1,\n 2]\n")
    assert document.data == {"a": 1, "b": ({"c": "x", "d": (1, 2)},)}
    assert document.line(("b", 0, "d")) == 4
    assert document.line(("b", 0, "d", 1)) == 5
    assert document.line(("b", 0, "new", "below")) == 3
    assert document.line(("new",)) == 1


def test_a_file_without_values_is_an_empty_configuration() -> None:
    assert parse(FILE, b"").data == parse(FILE, b"# only words\n").data == parse(FILE, b"\xef\xbb\xbf---\n").data == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", 'line 3: key "a" is there twice, first in line 1; keep one'),
        ("a:\n\tb: 1\n", "line 2: a tab cannot indent YAML; use blanks"),
        (b"a: 1\nb: \xff\n", "line 2: this is not UTF-8; save the file as UTF-8"),
        ("a: 1\nb: \x07\n", "line 2: a character that YAML does not allow"),
        ("a: !!python/object:os.system x\n", "line 1: tags are not allowed"),
        ("a: !x [1]\n", "line 1: tags are not allowed"),
        ("a: &a {x: 1}\nb: {<<: *a}\n", "line 2: merge keys"),
        ("- a\n", "line 1: a configuration is a mapping"),
        ("1: a\n", "line 1: a key must be a word"),
        ("? [a]\n: b\n", "line 1: a key must be a word"),
        ("a: 1\n---\nb: 1\n", "line 2: a second document begins here"),
        ("a: {\n", "this is not YAML"),
        ("a: *b\n", "line 1: this is not YAML"),
        ("a: &a [*a]\n", "line 1: an alias that contains itself"),
        ("a: " + "9" * 5_000 + "\n", "line 1: "),
        ("a: " + "[" * 30_000, "line 1: nested deeper than 16 levels"),
        ("a: " + "{a: " * 15_000, "line 1: nested deeper than 16 levels"),
    ],
)
def test_what_is_no_configuration_is_told_in_a_sentence_with_its_line(text: str | bytes, expected: str) -> None:
    assert expected in sentence(text)


def test_aliases_of_aliases_do_not_grow_without_limit() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]\n" for i in range(1, 8)
    )
    begin = time.process_time()
    assert "values once its aliases are followed" in sentence(bomb)
    assert "aliases" in sentence("a: &a 1\nb: [" + "*a, " * 100 + "]\n")
    assert time.process_time() - begin < 2


def test_a_few_aliases_are_allowed() -> None:
    assert parse(FILE, b"a: &a {x: 1}\nb: *a\n").data == {"a": {"x": 1}, "b": {"x": 1}}


@given(st.binary(max_size=300) | st.text(alphabet="ab:-[]{}*&!#|>'\"\\ \n\t%?,<1.~", max_size=120).map(str.encode))
def test_any_bytes_are_a_document_or_a_sentence(content: bytes) -> None:
    try:
        said = ""
        assert isinstance(parse(FILE, content).data, dict)
    except ConfigError as error:
        said = str(error)
    assert said == "" or (said.startswith("config.yaml, line ") and said.isprintable())


WORDS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(WORDS.filter(lambda key: key != "<<"), VALUES, max_size=4))
def test_json_is_read_as_what_it_says(data: dict[str, object]) -> None:
    assert _lists(parse(FILE, json.dumps(data, ensure_ascii=False).encode()).data) == data


def _lists(value: object) -> object:
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, tuple) else value


@posix
def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="not a regular file"):
        read(tmp_path / "pipe", follow_links=True)


@posix
def test_links_are_followed_only_for_the_users_own_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"enabled: true")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert read(tmp_path / "link", follow_links=True) == b"enabled: true"
    with pytest.raises(ConfigError, match="symbolic link"):
        read(tmp_path / "link", follow_links=False)


def test_a_folder_and_a_file_that_is_too_large_are_refused(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "just").write_bytes(b"#" * MAX_BYTES)
    with pytest.raises(ConfigError, match="64 KiB"):
        read(tmp_path / "large", follow_links=False)
    with pytest.raises(ConfigError, match="not a regular file"):
        read(tmp_path, follow_links=False)
    assert len(read(tmp_path / "just", follow_links=False)) == MAX_BYTES
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none", follow_links=False)
