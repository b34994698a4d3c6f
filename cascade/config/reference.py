"""The reference of every key, made from the schema: the tables of docs/configuration.md.

`python -m rung.cascade.config.reference docs/configuration.md` brings the page up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rung.cascade.config.problems import sections_in
from rung.cascade.config.schema import Config
from rung.cascade.privacy.patterns import ALWAYS_NEVER_SENT

BEGIN = "<!-- made from the schema: begin -->"
END = "<!-- made from the schema: end -->"


def with_reference(page: str) -> str:
    """`page` with the part between the two marks made anew. Raises ValueError where the marks are missing."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    if not rest or END not in page:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{markdown()}\n{END}{tail}"


def markdown() -> str:
    """One table of all keys, and the built-in patterns."""
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    rows += [" | ".join(["", *row, ""]).strip() for row in _rows(Config, "")]
    patterns = " ".join(f"`{pattern}`" for pattern in ALWAYS_NEVER_SENT)
    return "\n".join(rows) + f"\n\nBuilt-in patterns that `never_send` adds to: {patterns}\n"


def _rows(section: type[BaseModel], above: str) -> Iterator[tuple[str, str, str, str]]:
    schema = section.model_json_schema()
    for key, field in section.model_fields.items():
        below = next(sections_in(field.annotation), None)
        repeated = "[]" if schema["properties"][key].get("type") == "array" else ""
        description = (field.description or "").replace("|", "\\|")
        yield f"`{above}{key}`", _type(schema, key), _default(field, below), description
        if below is not None:
            yield from _rows(below, f"{above}{key}{repeated}.")


def _type(schema: dict[str, object], key: str) -> str:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    shape = properties[key]
    kinds = [_kind(option) for option in shape.get("anyOf", [shape])]
    return " or ".join(dict.fromkeys(kinds))


def _kind(shape: dict[str, object]) -> str:
    if "$ref" in shape:
        return "keys below"
    names = {
        "number": "number",
        "integer": "whole number",
        "string": "text",
        "array": "list",
        "boolean": "true or false",
    }
    name = names.get(str(shape.get("type")), "null")
    if "minimum" in shape:
        name += f", from {shape['minimum']}"
    if "exclusiveMinimum" in shape:
        name += f", above {shape['exclusiveMinimum']}"
    if "maximum" in shape:
        name += f" to {shape['maximum']}"
    return name


def _default(field: FieldInfo, below: type[BaseModel] | None) -> str:
    if field.is_required():
        return "required"
    if field.default is None or below is not None:
        return ""
    if field.default == ():
        return "`[]`"
    return f"`{json.dumps(field.default)}`"


def _main(page: Path) -> None:
    page.write_text(with_reference(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
