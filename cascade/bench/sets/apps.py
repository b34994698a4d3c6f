"""The introductory problems of APPS's test set (Hendrycks et al. 2021), as functions.

Most of them read standard input and print: those become a function of the whole input that returns the whole output.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rung.cascade.bench.data import DataMissing, folder, public_rows, text
from rung.cascade.bench.problem import Problem

_SOURCE = "https://huggingface.co/datasets/codeparrot/apps (test.jsonl)"
_WHERE = "A line of APPS"
_FILE = "apps_test.jsonl.gz"
# As APPS itself compares: blanks do not count, and a text may be given as its lines.
_LONG_INTEGER = re.compile(r"\d{4301}")
_OUTPUT = "def _words(output):\n    return ' '.join(output if isinstance(output, list) else [output]).split()\n"


def problems(at: Path | None = None) -> Iterator[Problem]:
    """Those of the introductory level that have tests: `apps_test.jsonl.gz`, or without .gz. Raises DataMissing."""
    where = at or folder()
    name = _FILE if (where / _FILE).exists() or not (where / _FILE[:-3]).exists() else _FILE[:-3]
    for row in public_rows(where, name, _SOURCE):
        if row.get("difficulty") == "introductory" and row.get("input_output"):
            problem = _problem(row)
            if problem is not None:
                yield problem


def _problem(row: dict[str, Any]) -> Problem | None:
    number = row.get("problem_id", row.get("id"))
    content = text(row, "input_output", _WHERE)
    try:
        tests = json.loads(content)
        pairs = list(zip(tests["inputs"], tests["outputs"], strict=True))
    except (ValueError, LookupError, TypeError):
        if _LONG_INTEGER.search(content):
            return None  # Python does not read it
        raise DataMissing(f"APPS problem {number}: its input_output is not what APPS has.") from None
    if not pairs:
        return None
    question = text(row, "question", _WHERE).strip()
    name = tests.get("fn_name")
    if name is None:
        return Problem(f"APPS/{number}", _prompt("solve(text: str) -> str", question), "solve", _standard_input(pairs))
    parameters = _parameters(row.get("starter_code") or "", name) or ", ".join(
        f"argument_{index}" for index in range(1, len(pairs[0][0]) + 1)
    )
    return Problem(f"APPS/{number}", _prompt(f"{name}({parameters})", question), name, _calls(name, pairs))


def _prompt(signature: str, question: str) -> str:
    body = textwrap.indent(question.replace("\\", "\\\\").replace('"""', r"\"\"\""), "    ")
    if signature.startswith("solve(text"):
        body += "\n\n    text: the whole standard input. Returns what is to be printed."
    return f'def {signature}:\n    """\n{body}\n    """\n'


def _parameters(starter: str, name: str) -> str | None:
    """As the starter code names them, without `self`."""
    try:
        tree = ast.parse(f"{starter.rstrip()} pass")
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return ", ".join(each.arg for each in node.args.args if each.arg != "self")
    return None


def _standard_input(pairs: list[tuple[Any, Any]]) -> str:
    lines = [f"assert _words(solve({_joined(given)!r})) == _words({_joined(wanted)!r})\n" for given, wanted in pairs]
    return _OUTPUT + "".join(lines)


def _joined(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _calls(name: str, pairs: list[tuple[Any, Any]]) -> str:
    """APPS wraps many results into a list of one."""
    lines = []
    for given, wanted in pairs:
        arguments = ", ".join(map(repr, given))
        alone = f" or [result] == {wanted!r}" if isinstance(wanted, list) else ""
        lines.append(f"result = {name}({arguments})\nassert result == {wanted!r}{alone}\n")
    return "".join(lines)
