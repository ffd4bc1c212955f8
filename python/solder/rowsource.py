"""Reads a Python function back: its syntax tree, its source text and the values that it captured.

Where it stands: the first step of the row-function compiler; rowfn.py also shows the text in the run's summary.
Invariant: a tree is given back only when compiling the file's present text yields exactly the function's own bytecode, so a file that was
edited after import, or two lambdas on one line, can't be mixed up.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import textwrap
import types
from typing import Any, Callable, Iterator


class SourceUnavailable(Exception):
    """The function can't be read back; the text says why."""


class FunctionSource:
    """A function with its syntax tree."""

    def __init__(self, f: types.FunctionType, node: ast.Lambda | ast.FunctionDef, text: str) -> None:
        self.f = f
        self.node = node
        self.text = text
        self._cells = dict(zip(f.__code__.co_freevars, f.__closure__ or ()))

    def captured(self, name: str) -> Any:
        """The value that `name`, which is no local of the function, has now; KeyError when it has none."""
        if name in self._cells:
            try:
                return self._cells[name].cell_contents
            except ValueError:
                raise KeyError(name) from None
        if name in self.f.__globals__:
            return self.f.__globals__[name]
        found = self.f.__globals__.get("__builtins__", builtins)
        table = found if isinstance(found, dict) else vars(found)
        return table[name]


def _code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield const
            yield from _code_objects(const)


def _first_line(node: ast.Lambda | ast.FunctionDef) -> int:
    if isinstance(node, ast.FunctionDef) and node.decorator_list:
        return min(d.lineno for d in node.decorator_list)
    return node.lineno


Place = tuple[tuple[int, int], tuple[int, int]]


def _span(code: types.CodeType) -> Place | None:
    """From where to where the code's instructions were written."""
    places = [((p[0], p[2]), (p[1], p[3])) for p in code.co_positions() if None not in p and p[2:] != (0, 0)]
    if not places:
        return None
    return min(start for start, _ in places), max(end for _, end in places)  # type: ignore[type-var,return-value]


def _body_span(node: ast.Lambda) -> Place:
    return (node.body.lineno, node.body.col_offset), (node.body.end_lineno or 0, node.body.end_col_offset or 0)


def _nodes(tree: ast.AST, code: types.CodeType) -> list[ast.Lambda | ast.FunctionDef]:
    """The nodes of the tree that may be the code's: same kind, name, line, arguments."""
    wanted: type = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, wanted) or _first_line(node) != code.co_firstlineno:
            continue
        if isinstance(node, ast.FunctionDef) and node.name != code.co_name:
            continue
        if [a.arg for a in (*node.args.posonlyargs, *node.args.args)] != list(code.co_varnames[: code.co_argcount]):
            continue
        found.append(node)
    span = _span(code)
    lambdas = [n for n in found if isinstance(n, ast.Lambda)]
    if len(lambdas) > 1 and span is not None:
        # Several on one line: the innermost one whose body holds all of the instructions.
        around = [(_body_span(n), n) for n in lambdas if _body_span(n)[0] <= span[0] and span[1] <= _body_span(n)[1]]
        innermost = [n for (start, end), n in around if all(s <= start and end <= e for (s, e), _ in around)]
        return list(innermost)
    return found


def _same_code(a: types.CodeType, b: types.CodeType) -> bool:
    if (a.co_code, a.co_names, a.co_varnames, a.co_freevars, a.co_firstlineno) != (b.co_code, b.co_names, b.co_varnames, b.co_freevars, b.co_firstlineno):
        return False
    if len(a.co_consts) != len(b.co_consts):
        return False
    for x, y in zip(a.co_consts, b.co_consts):
        if isinstance(x, types.CodeType) or isinstance(y, types.CodeType):
            if not (isinstance(x, types.CodeType) and isinstance(y, types.CodeType) and _same_code(x, y)):
                return False
        elif type(x) is not type(y) or repr(x) != repr(y):
            return False
    return True


# The trees of the last few files: a script asks for the same one again and again.
_PARSED_LIMIT = 8


class SourceReader:
    """Reads functions back, remembering the files that it parsed."""

    def __init__(self) -> None:
        self._parsed: dict[str, tuple[str, ast.Module, list[types.CodeType]]] = {}

    def read(self, f: Any) -> FunctionSource:
        """The function's source; SourceUnavailable when there is none or it isn't certain."""
        if not isinstance(f, types.FunctionType):
            raise SourceUnavailable(f"{type(f).__name__} is not a plain Python function")
        code = f.__code__
        if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            raise SourceUnavailable("it is a generator or coroutine")
        text, tree, codes = self._file(code.co_filename, f)
        if not any(_same_code(code, other) for other in codes):
            raise SourceUnavailable(f"{code.co_filename} no longer holds the function's text")
        nodes = _nodes(tree, code)
        if len(nodes) != 1:
            raise SourceUnavailable("its text can't be told from another function's on the same line")
        segment = ast.get_source_segment(text, nodes[0]) or ""
        return FunctionSource(f, nodes[0], textwrap.dedent(segment))

    def _file(self, filename: str, f: types.FunctionType) -> tuple[str, ast.Module, list[types.CodeType]]:
        lines = linecache.getlines(filename, f.__globals__)
        if not lines:
            raise SourceUnavailable("its source text is not available")
        text = "".join(lines)
        found = self._parsed.get(filename)
        if found is not None and found[0] == text:
            return found
        try:
            tree = ast.parse(text, filename)
            compiled = compile(text, filename, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as problem:
            raise SourceUnavailable(f"{filename} can't be parsed: {problem}") from None
        found = (text, tree, list(_code_objects(compiled)))
        while len(self._parsed) >= _PARSED_LIMIT:
            self._parsed.pop(next(iter(self._parsed)))
        self._parsed[filename] = found
        return found


def source_text(f: Callable, reader: SourceReader) -> str:
    """The function's text, as well as it can be known: for people, not for compiling."""
    try:
        return reader.read(f).text
    except SourceUnavailable:
        pass
    try:
        return textwrap.dedent(inspect.getsource(f)).strip()
    except (OSError, TypeError):
        return getattr(f, "__qualname__", repr(f))
