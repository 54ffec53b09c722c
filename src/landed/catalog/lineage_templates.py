"""Reads the templates of dbt models without running them: enough to see which columns they read.

A model is read as a whole build writes it: `is_incremental()` is false. `ref` and `source` become
table names, a macro of the project's own is written out with its arguments, a loop's body once, and
a condition that only a run could decide counts as fulfilled. What is beyond that is no guess but a
refusal with the reason: `UnreadError`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Schemas that tell what a table name of the text written out stands for.
REF, SOURCE = "landed_ref", "landed_source"
_OPENING = re.compile(r"\{[{%#]")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_MACRO = re.compile(r"macro\s+(\w+)\s*\(([^)]*)\)\s*$")
_SET = re.compile(r"set\s+(\w+)\s*=\s*(.*)$", re.DOTALL)
_FOR = re.compile(r"for\s+([\w\s,]+?)\s+in\s+(.*)$", re.DOTALL)
_MAX_DEPTH = 20  # macros in macros; deeper is a circle
_MAX_TEXT = 200_000


class UnreadError(Exception):
    """A template that cannot be read without dbt; the text says why."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: names of its parameters, and its body."""

    parameters: tuple[str, ...]
    body: tuple[Part, ...]


@dataclass(slots=True)
class Part:
    """A piece of a template: text, an output, or a block with branches.

    Args:
        kind: text, out, set, if, for, macro.
        said: The text, or the expression.
        branches: Of a block: condition and body of each branch.
    """

    kind: str
    said: str
    branches: list[tuple[str, list[Part]]] = field(default_factory=list)


@dataclass(frozen=True)
class _Unknown:
    """A value that only a run could tell."""

    name: str

    def __str__(self) -> str:
        return "null"


def read_macros(texts: Sequence[str]) -> dict[str, Macro]:
    """Macros by name; a file that cannot be read has none."""
    found: dict[str, Macro] = {}
    for text in texts:
        try:
            parts = _parse(text)
        except UnreadError:
            continue  # whoever calls a macro of it is told that it is unknown
        for part in parts:
            if part.kind == "macro":
                name, parameters = part.said.split("(", 1)
                names = [one.split("=")[0].strip() for one in parameters.split(",")]
                body = tuple(part.branches[0][1])
                found[name] = Macro(tuple(one for one in names if one), body)
    return found


def written_out(text: str, model: str, macros: Mapping[str, Macro]) -> str:
    """SQL of a model as a whole build writes it, tables named `landed_ref.<model>`.

    Args:
        model: Its name, which `this` stands for.

    Raises:
        UnreadError: It holds what only dbt can evaluate.
    """
    writer = _Writer(model, macros)
    return writer.write(_parse(text), {}, 0)


def _parse(text: str) -> list[Part]:
    """The parts of a template, blocks closed."""
    top: list[Part] = []
    stack: list[tuple[Part, list[Part]]] = []
    into, at = top, 0
    for start, end, opening in _tags(text):
        into.append(Part("text", text[at:start]))
        at = end
        said = text[start + 2 : end - 2].strip("-").strip()
        if opening == "{{":
            into.append(Part("out", said))
        elif opening == "{%":
            word = said.split(None, 1)[0] if said else ""
            if word in ("if", "for", "macro"):
                block = _block(word, said)
                stack.append((block, into))
                into.append(block)
                into = block.branches[-1][1]
            elif word in ("elif", "else") and stack:
                condition = said.removeprefix("elif").strip() if word == "elif" else "true"
                stack[-1][0].branches.append((condition, []))
                into = stack[-1][0].branches[-1][1]
            elif word.startswith("end") and stack and word == f"end{stack[-1][0].kind}":
                _, into = stack.pop()
            elif (given := _SET.match(said)) is not None:
                into.append(Part("set", f"{given[1]}={given[2]}"))
            elif word != "do":  # a `do` writes nothing
                raise UnreadError(f"the statement `{said[:40]}` needs dbt")
    if stack:
        raise UnreadError(f"the block `{stack[-1][0].kind}` is not closed")
    into.append(Part("text", text[at:]))
    return top


def _tags(text: str) -> Iterator[tuple[int, int, str]]:
    """Where each tag begins and ends, and how it opens; braces and strings in it are skipped."""
    at = 0
    while (found := _OPENING.search(text, at)) is not None:
        opening, start = found[0], found.start()
        at, depth = found.end(), 0
        while opening == "{#" or depth or not text.startswith(_CLOSING[opening], at):
            if opening == "{#":
                at = text.find("#}", at)
                if at < 0:
                    raise UnreadError("a comment is not closed")
                break
            if at >= len(text):
                raise UnreadError("a template is not closed")
            string = _STRING.match(text, at)
            depth += (text[at] in "{[(") - (text[at] in "}])")
            at = string.end() if string is not None else at + 1
        at += 2
        yield start, at, opening


def _block(word: str, said: str) -> Part:
    if word == "if":
        return Part("if", "", [(said[2:].strip(), [])])
    if word == "for":
        loop = _FOR.match(said)
        if loop is None:
            raise UnreadError(f"the loop `{said[:40]}` needs dbt")
        return Part("for", loop[1], [(loop[2], [])])
    macro = _MACRO.match(said)
    if macro is None:
        raise UnreadError(f"the macro `{said[:40]}` needs dbt")
    return Part("macro", f"{macro[1]}({macro[2]}", [("", [])])


class _Writer:
    """Writes parts out with the values of names."""

    def __init__(self, model: str, macros: Mapping[str, Macro]) -> None:
        self._model = model
        self._macros = macros

    def write(self, parts: Sequence[Part], names: dict[str, Any], depth: int) -> str:
        text = "".join(self._written(parts, names, depth))
        if len(text) > _MAX_TEXT:
            raise UnreadError("written out it is too long")
        return text

    def _written(self, parts: Sequence[Part], names: dict[str, Any], depth: int) -> Iterator[str]:
        if depth > _MAX_DEPTH:
            raise UnreadError("macros call each other in a circle")
        for part in parts:
            if part.kind == "text":
                yield part.said
            elif part.kind == "out":
                yield str(self._value(part.said, names, depth))
            elif part.kind == "set":
                name, _, said = part.said.partition("=")
                names[name] = self._value(said, names, depth)
            elif part.kind == "for":
                inner = names | {
                    name.strip(): _Unknown(name.strip()) for name in part.said.split(",")
                }
                yield from self._written(part.branches[0][1], inner, depth)
            elif part.kind == "if":
                for condition, body in part.branches:
                    if self._value(condition, names, depth):
                        yield from self._written(body, names, depth)
                        break

    def _value(self, said: str, names: dict[str, Any], depth: int) -> Any:
        # Jinja's expressions are Python's, but for `~`, which joins texts, and a missing ELSE
        text = _with_joins(said).strip()
        for tried in (text, f"{text} else ''"):
            try:
                tree = ast.parse(tried, mode="eval").body
            except (SyntaxError, ValueError, RecursionError):
                continue
            return self._of(tree, names, depth)
        raise UnreadError(f"the expression `{' '.join(said.split())[:40]}` needs dbt")

    def _of(self, node: ast.expr, names: dict[str, Any], depth: int) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self._name(node.id, names)
        if isinstance(node, ast.List | ast.Tuple):
            return [self._of(one, names, depth) for one in node.elts]
        if isinstance(node, ast.Dict):
            return _Unknown("dict")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            value = self._of(node.operand, names, depth)
            return True if isinstance(value, _Unknown) else not value
        if isinstance(node, ast.BoolOp):
            values = [self._of(one, names, depth) for one in node.values]
            return all(values) if isinstance(node.op, ast.And) else any(values)
        if isinstance(node, ast.Compare | ast.Attribute | ast.Subscript):
            return _Unknown(ast.unparse(node))
        if isinstance(node, ast.IfExp):
            branch = node.body if self._of(node.test, names, depth) else node.orelse
            return self._of(branch, names, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            sides = (self._of(one, names, depth) for one in (node.left, node.right))
            return "".join(str(one) for one in sides)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._filtered(node, names, depth)
        if isinstance(node, ast.Call):
            return self._call(node, names, depth)
        raise UnreadError(f"the expression `{ast.unparse(node)[:40]}` needs dbt")

    def _name(self, name: str, names: dict[str, Any]) -> Any:
        if name == "this":
            return f"{REF}.{self._model}"
        if name in ("none", "true", "false"):
            return {"none": "", "true": True, "false": False}[name]
        if name not in names:
            raise UnreadError(f"the name `{name}` is known to dbt only")
        return names[name]

    def _filtered(self, node: ast.BinOp, names: dict[str, Any], depth: int) -> Any:
        value = self._of(node.left, names, depth)
        call = node.right
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "join"
            and isinstance(value, list)
        ):
            by = str(self._of(call.args[0], names, depth)) if call.args else ""
            return by.join(str(one) for one in value)
        raise UnreadError(f"the filter `{ast.unparse(node.right)[:40]}` needs dbt")

    def _call(self, node: ast.Call, names: dict[str, Any], depth: int) -> Any:
        name = ast.unparse(node.func)
        if name == "config":
            return ""
        if name == "is_incremental":
            return False
        if name in ("var", "env_var"):
            return _Unknown(name)
        given = [self._of(one, names, depth) for one in node.args]
        if name == "ref":
            return f"{REF}.{given[-1]}"
        if name == "source" and len(given) == 2:
            return f'{SOURCE}."{given[0]}.{given[1]}"'
        macro = self._macros.get(name.rpartition(".")[2])
        if macro is None:
            raise UnreadError(f"the macro `{name}` is known to dbt only")
        bound = dict.fromkeys(macro.parameters, _Unknown("parameter"))
        bound |= dict(zip(macro.parameters, given, strict=False))
        for keyword in node.keywords:
            if keyword.arg is not None:
                bound[keyword.arg] = self._of(keyword.value, names, depth)
        return self.write(macro.body, bound, depth + 1).strip()


def _with_joins(said: str) -> str:
    """The expression with Jinja's `~` written as an operator that Python knows."""
    parts: list[str] = []
    at = 0
    for found in _STRING.finditer(said):
        parts += [said[at : found.start()].replace("~", "@"), found[0]]
        at = found.end()
    return " ".join([*parts, said[at:].replace("~", "@")]).replace("\n", " ")
