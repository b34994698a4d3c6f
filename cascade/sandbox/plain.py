"""Which programs and tests leave nothing behind when they have run, as far as their text tells.

Where that is certain, the tests of a solution share a process, which is ten times as fast; where it is not, each cell
has processes of its own. The rules are strict: what short functions seldom need is not allowed. What is left to live
on from one call to the next is functions, constants and the parts of modules below, and nothing that is allowed changes
or leads beyond them. Who gets round that can keep something from one test line to the next of the same solution, and
nothing else: a verdict is the evaluator's, who runs no code of a solution.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from functools import lru_cache

_WHOLE = frozenset({"bisect", "cmath", "heapq", "itertools", "math", "unicodedata"})
"""Modules in which nothing can be changed but by storing an attribute."""
_PARTS = {
    module: frozenset(names.split())
    for module, names in {
        "__future__": "annotations",
        "collections": "ChainMap Counter OrderedDict UserDict UserList UserString defaultdict deque namedtuple",
        "collections.abc": "Callable Collection Container Generator Hashable Iterable Iterator Mapping MutableMapping "
        "MutableSequence MutableSet Reversible Sequence Set Sized",
        "copy": "copy deepcopy",
        "fractions": "Fraction",
        "functools": "cache cmp_to_key lru_cache partial reduce",
        "hashlib": "md5 sha1 sha224 sha256 sha384 sha512",
        "numbers": "Complex Integral Number Rational Real",
        "operator": "abs add and_ concat contains countOf eq floordiv ge getitem gt indexOf inv invert is_ is_not "
        "itemgetter le lshift lt matmul mod mul ne neg not_ or_ pos pow rshift sub truediv truth xor",
        "re": "A ASCII DOTALL I IGNORECASE M MULTILINE Match Pattern S U UNICODE VERBOSE X compile escape findall "
        "finditer fullmatch match search split sub subn",
        "statistics": "fmean geometric_mean harmonic_mean mean median median_high median_low mode multimode pstdev "
        "pvariance quantiles stdev variance",
        "string": "ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable "
        "punctuation whitespace",
        "textwrap": "dedent fill indent shorten wrap",
        "typing": "AbstractSet Any Callable ClassVar Collection Container Counter DefaultDict Deque Dict Final "
        "FrozenSet Generator Hashable Iterable Iterator List Literal Mapping MutableMapping MutableSequence "
        "MutableSet NoReturn Optional OrderedDict Pattern Reversible Sequence Set Sized Text Tuple Type Union cast",
    }.items()
}
_TEST_MODULES = frozenset({"math", "cmath", "collections"})
_REACHING = frozenset(
    {
        *("BaseException", "breakpoint", "compile", "copyright", "credits", "delattr", "dir", "eval", "exec", "exit"),
        *("getattr", "globals", "help", "id", "input", "license", "locals", "memoryview", "object", "open", "print"),
        *("quit", "setattr", "super", "type", "vars"),
    }
)
"""Builtins through which state can be reached, or seen."""
_IN_PROGRAMS = frozenset({"print", "type", "object"})
_REACHING_ATTRIBUTES = frozenset({"mro", "obj", "register", "rung_number"})
_OF_FRAMES = ("ag_", "co_", "cr_", "f_", "gi_", "tb_")  # and of all that leads to them: `(x for x in ()).gi_frame`
_OTHER_MODULES = frozenset(sys.stdlib_module_names) - _WHOLE - _PARTS.keys()
_CONSTANT = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.unaryop, ast.operator, ast.Load)
_FIELD_OF_FIELD = re.compile(r"\{[^{}:!]*[.\[]")  # "{0.x}".format
_LONGEST = 20_000


@lru_cache(maxsize=4096)
def is_plain_program(source: str) -> bool:
    """Whether what its functions return depends on nothing but their arguments, by the look of it."""
    tree = _parsed(source)
    return (
        tree is not None
        and all(map(_is_plain_statement, tree.body))
        and all(map(_is_plain_in_program, ast.walk(tree)))
        and _takes_modules_apart(tree)
    )


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
    """Of a module."""
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.FunctionDef():  # a decorator could keep what the function returned
            return not statement.decorator_list
        case ast.Assign(targets=[ast.Name()], value=value):
            return _is_constant(value)
        case ast.AnnAssign(target=ast.Name(), value=annotated):
            return annotated is None or _is_constant(annotated)
    return False


def _is_plain_in_program(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return all(each.name in _WHOLE or (each.name in _PARTS and "." not in each.name) for each in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            return level == 0 and all(_is_part(module or "", each.name) for each in names)
        case ast.FunctionDef(args=arguments) | ast.Lambda(args=arguments):
            defaults = [*arguments.defaults, *arguments.kw_defaults]
            return all(each is None or _is_constant(each) for each in defaults)
        case ast.Global() | ast.AsyncFunctionDef() | ast.Await() | ast.TryStar() | ast.NamedExpr():
            return False
        case ast.ExceptHandler():
            # It may swallow what ends a test that took too long or asked for too much.
            return _names_its_errors(node)
        case ast.Attribute(ctx=ast.Load()):
            return _is_plain_attribute(node)
        case ast.Attribute():
            return False
        case ast.MatchClass(kwd_attrs=attributes):
            return all(map(_is_plain_name_of_attribute, attributes))
        case ast.Name(id=name):
            return not _is_reserved(name) and (name not in _REACHING or name in _IN_PROGRAMS)
    return True


def _is_part(module: str, name: str) -> bool:
    if module in _WHOLE:
        return not name.startswith("_")
    return name in _PARTS.get(module, ())


def _takes_modules_apart(tree: ast.Module) -> bool:
    """Whether each name of a module stands before one of its parts, and is nothing by itself."""
    imports = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules = {alias.asname or alias.name: alias.name for alias in imports}
    if any(modules[alias.asname or alias.name] != alias.name for alias in imports):
        return False
    found = 0
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in modules:
                found += 1
            case ast.Attribute(value=ast.Name(id=name), attr=part) if name in modules:
                found -= _is_part(modules[name], part)
    return found == 0


def _names_its_errors(handler: ast.ExceptHandler) -> bool:
    match handler.type:
        case ast.Name():
            return True
        case ast.Tuple(elts=names):
            return all(isinstance(each, ast.Name) for each in names)
    return False


def _is_constant(value: ast.expr) -> bool:
    return all(isinstance(each, _CONSTANT) for each in ast.walk(value))


def _is_plain_attribute(attribute: ast.Attribute) -> bool:
    """`format` can read any attribute of what it is given."""
    if attribute.attr in ("format", "format_map"):
        text = attribute.value
        return isinstance(text, ast.Constant) and isinstance(text.value, str) and not _FIELD_OF_FIELD.search(text.value)
    return _is_plain_name_of_attribute(attribute.attr)


def _is_plain_name_of_attribute(name: str) -> bool:
    return not name.startswith(("_", *_OF_FRAMES)) and name not in _REACHING_ATTRIBUTES and name not in _OTHER_MODULES


def _is_reserved(name: str) -> bool:
    """`__builtins__`, but not the `____` that models write where something is to be filled in."""
    return name.startswith("__") and name.strip("_") != ""


def _is_plain_in_test(node: ast.AST) -> bool:
    match node:
        case ast.Lambda() | ast.NamedExpr() | ast.Await() | ast.Yield() | ast.YieldFrom():
            return False
        case ast.Attribute():
            return _is_plain_attribute(node)
        case ast.Name(id=name):
            if name in sys.stdlib_module_names:
                return name in _TEST_MODULES
            return name not in _REACHING and not _is_reserved(name)
    return True
