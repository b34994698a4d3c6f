"""Which programs and tests leave nothing behind when they have run, as far as their text tells.

Where that is certain, the tests of a solution share a process, which is ten times as fast; where it is not, each cell
has processes of its own. The rules are strict: what short functions seldom need is not allowed. Who gets round them can
keep something from one test line to the next of the same solution, and nothing else: a verdict is the evaluator's, who
runs no code of a solution.
"""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from functools import lru_cache

_MODULES = frozenset(
    {
        *("__future__", "abc", "bisect", "cmath", "collections", "collections.abc", "copy", "dataclasses", "enum"),
        *("fractions", "functools", "hashlib", "heapq", "itertools", "math", "numbers", "operator", "re"),
        *("statistics", "string", "textwrap", "typing", "unicodedata"),
    }
)
_TEST_MODULES = frozenset({"math", "cmath", "collections"})
_REACHING = frozenset(
    {
        *("__import__", "breakpoint", "compile", "copyright", "credits", "delattr", "dir", "eval", "exec", "exit"),
        *("getattr", "globals", "help", "input", "license", "locals", "memoryview", "object", "open", "print", "quit"),
        *("setattr", "super", "type", "vars"),
    }
)
"""Builtins through which state can be reached."""
_IN_PROGRAMS = frozenset({"getattr", "print", "super", "type", "object", "dir", "memoryview"})
_DECORATORS = frozenset({"staticmethod", "classmethod", "property", "lru_cache", "cache"})
_LONGEST = 20_000


@lru_cache(maxsize=4096)
def is_plain_program(source: str) -> bool:
    """Whether what its functions return depends on nothing but their arguments, by the look of it."""
    tree = _parsed(source)
    return tree is not None and all(map(_is_plain_statement, tree.body)) and all(map(_is_plain_node, ast.walk(tree)))


@lru_cache(maxsize=16384)
def is_plain_test(source: str) -> bool:
    """A lone `assert` that reaches nothing but the solution's functions and values."""
    tree = _parsed(source)
    if tree is None or [type(each) for each in tree.body] != [ast.Assert]:
        return False
    return all(map(_is_plain_in_test, ast.walk(tree)))


def _parsed(source: str) -> ast.Module | None:
    if len(source) > _LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_plain_statement(statement: ast.stmt) -> bool:
    """Of a module or a class."""
    match statement:
        case ast.Import() | ast.FunctionDef() | ast.Pass():
            return True
        case ast.ImportFrom():
            return statement.level == 0
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name()], value=value):
            return _is_constant(value)
        case ast.AnnAssign(target=ast.Name(), value=annotated):
            return annotated is None or _is_constant(annotated)
        case ast.ClassDef():
            return all(map(_is_plain_statement, statement.body)) and not statement.decorator_list
    return False


def _is_plain_node(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return all(alias.name in _MODULES for alias in names)
        case ast.ImportFrom(module=module):
            return module in _MODULES
        case ast.FunctionDef(args=arguments, decorator_list=decorators):
            defaults = [*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)]
            return all(map(_is_constant, defaults)) and all(map(_is_plain_decorator, decorators))
        case ast.Lambda(args=arguments):
            return all(map(_is_constant, arguments.defaults))
        case ast.Global() | ast.AsyncFunctionDef() | ast.Await() | ast.Try() | ast.TryStar():
            # An `except` may swallow what ends a test that took too long or asked for too much.
            return isinstance(node, ast.Try) and all(_names_its_errors(each) for each in node.handlers)
        case ast.Attribute(attr=attribute, ctx=ast.Load()):
            return not attribute.startswith("__")
        case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
            return not attribute.startswith("__")
        case ast.Attribute():
            return False
        case ast.Name(id=name):
            return name not in _REACHING or name in _IN_PROGRAMS
    return True


def _names_its_errors(handler: ast.ExceptHandler) -> bool:
    match handler.type:
        case ast.Name(id=name):
            return name != "BaseException"
        case ast.Tuple(elts=names):
            return all(isinstance(each, ast.Name) and each.id != "BaseException" for each in names)
    return False


def _is_plain_decorator(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in _DECORATORS


def _is_constant(value: ast.expr) -> bool:
    match value:
        case ast.Constant():
            return True
        case ast.Tuple(elts=elements):
            return all(map(_is_constant, elements))
        case ast.UnaryOp(operand=operand):
            return _is_constant(operand)
        case ast.BinOp(left=left, right=right):
            return _is_constant(left) and _is_constant(right)
    return False


def _is_plain_in_test(node: ast.AST) -> bool:
    match node:
        case ast.Lambda() | ast.NamedExpr() | ast.Await() | ast.Yield() | ast.YieldFrom():
            return False
        case ast.Attribute(attr=attribute):
            return not attribute.startswith("_")
        case ast.Name(id=name):
            if name in sys.stdlib_module_names:
                return name in _TEST_MODULES
            return name not in _REACHING and (not name.startswith("__") or not hasattr(builtins, name))
    return True
