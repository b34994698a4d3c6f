"""What is wrong with a configuration, one sentence for each problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from rung.cascade.config.rules import PROBLEMS, Where
from rung.cascade.config.sentences import did_you_mean, dotted, quoted

if TYPE_CHECKING:
    from rung.cascade.config.document import Document

NOUNS = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "finite_number": "a finite number",
}
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
NAMES = {
    "key_env": "must be the NAME of an environment variable, in capitals such as OPENAI_API_KEY, not the key itself",
    "name": "must begin with a letter or digit and hold only letters, digits, blanks and . _ : / + -",
}


class ConfigError(Exception):
    """A configuration cannot be used. sentences: all problems of the file, each for the user's eyes."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = tuple(sentences)


def of_validation(error: ValidationError, document: Document, model: type[BaseModel]) -> ConfigError:
    """pydantic's findings, in the words of the file and with its lines."""
    found = sorted(
        {
            (document.line(where), sentence)
            for details in error.errors(include_url=False)
            for where, sentence in _sentences(dict(details), model, document)
        }
    )
    return ConfigError([f"{document.path.name}, line {line}: {sentence}" for line, sentence in found])


def _sentences(details: dict[str, Any], model: type[BaseModel], document: Document) -> Iterator[tuple[Where, str]]:
    where: Where = details["loc"]
    kind: str = details["type"]
    if kind == PROBLEMS:
        for below, sentence in details["ctx"][PROBLEMS]:
            yield (*where, *below), sentence
    elif kind == "extra_forbidden":
        yield where, _unknown_key(where, model)
    elif kind == "missing":
        yield where, f'{dotted(where[:-1]) or "the file"} needs the key "{where[-1]}"'
    elif kind == "too_short" and details["input"]:
        return  # its entries have their own problems
    else:
        while len(where) > 1 and where not in document.lines:  # `theta: 2` stands for theta.line and theta.function
            where = where[:-1]
        yield where, f"{_key(where)} {_complaint(kind, where, details)}"


def _complaint(kind: str, where: Where, details: dict[str, Any]) -> str:
    context = details.get("ctx", {})
    if kind in NOUNS:
        return f"must be {NOUNS[kind]}{_instead(details['input'], where)}"
    if kind.startswith(("greater_than", "less_than")):
        bound, limit = next((BOUNDS[key], context[key]) for key in BOUNDS if key in context)
        return f"must be {bound} {limit:g}{_instead(details['input'], where)}"
    if kind == "string_pattern_mismatch":
        return NAMES[str(where[-1])]
    if kind in ("string_too_short", "too_short"):
        return "must not be empty"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    if kind == "too_long":
        return f"must have at most {context['max_length']} entries"
    return f"cannot be used: {details['msg']}"  # our own validators' sentences


def _instead(value: object, where: Where) -> str:
    """Names what is there, but not at key_env: it may be the key."""
    if where[-1] == "key_env":
        return ""
    if value is None:
        return "; it is left empty"
    if isinstance(value, bool):
        return f", not {str(value).lower()}"
    if isinstance(value, int | float):
        return f", not {value:.12g}" if abs(value) < 1e300 else ""
    if isinstance(value, str):
        return f", not the text {quoted(value)}"
    return ""


def _key(where: Where) -> str:
    return dotted([part if isinstance(part, int) else quoted(part).strip('"') for part in where])


def _unknown_key(where: Where, model: type[BaseModel]) -> str:
    *above, key = where
    place = f" in {_key(tuple(above))}" if above else ""
    known = _keys_at(tuple(above), model)
    return f"unknown key {quoted(key)}{place}{did_you_mean(str(key), known)}"


def _keys_at(where: Where, model: type[BaseModel]) -> list[str]:
    """The keys of the section that `where` leads to."""
    section = model
    for part in where:
        if isinstance(part, str):
            section = next(sections_in(section.model_fields[part].annotation))
    return list(section.model_fields)


def sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections that a field's type mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from sections_in(argument)
