"""SQL of a project's dbt models: the core's with the project's in their place, read without dbt.

A model whose templates cannot be read so is taken from what dbt compiled last, if a build left it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .lineage_sql import Field, Statement, parse_statement
from .lineage_templates import REF, SOURCE, Macro, UnreadError, read_macros, written_out

#: How dbt writes a relation of the build: database, schema and name, each between quotes.
_COMPILED = re.compile(r'"[A-Za-z0-9_]+"\."(main|[A-Za-z0-9_]+)"\."([A-Za-z0-9_]+)"')
_NO_MODELS = {"macros", "tests", "snapshots"}


class Models:
    """Models by name, parsed when they are asked for.

    Args:
        folders: The core's models, then the project's, which replace those of one name.
        compiled: Folder of what dbt compiled; None or missing for none.
    """

    def __init__(self, folders: tuple[Path, ...], compiled: Path | None = None) -> None:
        self._files: dict[str, Path] = {}
        self._texts: dict[str, str] = {}
        macros: list[str] = []
        for folder in folders:
            for path in sorted(folder.rglob("*.sql")):
                inside = set(path.relative_to(folder).parts[:-1])
                if not inside & _NO_MODELS:
                    self._files[path.stem] = path
                    self._texts[path.stem] = path.read_text("utf-8")
                elif "macros" in inside:
                    macros.append(path.read_text("utf-8"))
        self._macros: Mapping[str, Macro] = read_macros(macros)
        self._compiled = compiled
        self._statements: dict[str, Statement | UnreadError] = {}

    def file(self, model: str) -> Path | str:
        """The file of a model; empty where there is none."""
        return self._files.get(model, "")

    def path(self, model: str) -> Path:
        """The file of a model that there is."""
        return self._files[model]

    def names(self) -> frozenset[str]:
        """Names of all models."""
        return frozenset(self._files)

    def text(self, model: str) -> str:
        """A model as its author wrote it."""
        return self._texts[model]

    def written(self, model: str) -> str:
        """A model with its templates written out.

        Raises:
            UnreadError: That needs dbt.
        """
        return written_out(self._texts[model], model, self._macros)

    def sources(self, model: str, column: str) -> tuple[set[Field], list[str]]:
        """What a model's column is made of, and the expression that says how.

        Raises:
            UnreadError: The model, or the way of the column through it, cannot be read.
        """
        return self.statement(model).sources(column)

    def rows(self, model: str) -> tuple[set[Field], set[str]]:
        """Columns that choose a model's rows, and the models it reads.

        Raises:
            UnreadError: The model cannot be read.
        """
        return self.statement(model).rows(), self.upstream(model)

    def upstream(self, model: str) -> set[str]:
        """Models that a model reads.

        Raises:
            UnreadError: The model cannot be read.
        """
        names = (name.partition(".") for name in self.statement(model).tables())
        return {name for schema, _, name in names if schema == REF and name != model}

    def statement(self, model: str) -> Statement:
        """A model's SQL.

        Raises:
            UnreadError: It cannot be read.
        """
        found = self._statements.get(model)
        if found is None:
            try:
                found = self._read(model)
            except UnreadError as error:
                found = error
            self._statements[model] = found
        if isinstance(found, UnreadError):
            raise found
        return found

    def _read(self, model: str) -> Statement:
        if model not in self._files:
            raise UnreadError("there is no SQL model of that name; a Python model needs dbt")
        try:
            return parse_statement(self.written(model), self._columns)
        except UnreadError as error:
            compiled = self._compiled_text(model)
            if compiled is None:
                raise UnreadError(f"{error}; a build (`landed run`) leaves what dbt made") from None
            return parse_statement(compiled, self._columns)

    def _compiled_text(self, model: str) -> str | None:
        """A model as dbt compiled it, with its relations named as those of a written-out one."""
        if self._compiled is None or not self._compiled.is_dir():
            return None
        paths = sorted(self._compiled.rglob(f"{model}.sql"))
        if not paths:
            return None

        def named(found: re.Match[str]) -> str:
            schema, name = found.groups()
            return f"{REF}.{name}" if schema == "main" else f'{SOURCE}."{schema}.{name}"'

        return _COMPILED.sub(named, paths[0].read_text("utf-8"))

    def _columns(self, table: str) -> frozenset[str] | None:
        """Columns of a table that a model reads; None where nothing says them."""
        schema, _, name = table.partition(".")
        if schema != REF or name not in self._files:
            return None
        try:
            found = self.statement(name).outputs()
        except UnreadError:
            return None
        return frozenset(found) if found else None
