"""Runs statements on an embedded ClickHouse; needs nothing but chdb."""

from __future__ import annotations

import json
import sys
from typing import Any

import chdb
from chdb.session import Session

TYPES = {
    "VARCHAR": "String",
    "DOUBLE": "Float64",
    "BOOLEAN": "Bool",
    "TIMESTAMP": "DateTime64(6, 'UTC')",
    "TIMESTAMP WITH TIME ZONE": "DateTime64(6, 'UTC')",
    "DATE": "Date32",
    "BIGINT": "Int64",
    "DECIMAL(18,2)": "Decimal(18, 2)",
    "INTEGER": "Int32",
}


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def hold(session: Session, name: str, columns: list[list[str]], rows: list[list[Any]]) -> None:
    described = ", ".join(f'"{column}" Nullable({TYPES[kind]})' for column, kind in columns)
    session.query(f'drop table if exists main."{name}"')
    session.query(f'create table main."{name}" ({described}) engine = Memory')
    if rows:
        values = ", ".join("(" + ", ".join(map(literal, row)) + ")" for row in rows)
        session.query(f'insert into main."{name}" values {values}')


def query(session: Session, sql: str) -> list[list[Any]]:
    found = session.query(
        sql.replace("\nSETTINGS", "\nSETTINGS output_format_json_quote_denormals = 1,", 1)
        if "\nSETTINGS" in sql
        else sql,
        "JSONCompact",
    )
    answer = json.loads(str(found))
    kinds = [one["type"] for one in answer["meta"]]
    return [
        [
            value if value is None or not _is_number(kind) else float(value)
            for value, kind in zip(row, kinds, strict=True)
        ]
        for row in answer["data"]
    ]


def _is_number(kind: str) -> bool:
    return any(word in kind for word in ("Int", "Float", "Decimal"))


def main() -> None:
    session = Session()
    session.query("create database if not exists main")
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            found: Any = None
            if asked["do"] == "version":
                number = str(session.query("select version()", "TSV")).strip()
                found = f"ClickHouse {number} (chdb {chdb.__version__})"
            elif asked["do"] == "hold":
                hold(session, asked["name"], asked["columns"], asked["rows"])
            else:
                found = query(session, asked["sql"])
            print(json.dumps({"found": found}), flush=True)
        except Exception as error:  # noqa: BLE001 - the asker judges it
            print(json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]}), flush=True)


if __name__ == "__main__":
    main()
