"""Statements that are made once go to SQLite's driver as they are: no result is described, no cache is asked.

SQLAlchemy still writes their SQL, opens and ends their transactions, and knows the types of what comes back.
What it does besides for each execution takes several times as long as SQLite takes to answer a look-up by
key, and a message is a dozen of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData

Statement = TypeVar("Statement", bound=sa.Executable)
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None
_DIALECT = sqlite.dialect(paramstyle="named")
_ONCE = "colloque_once"


def once(statement: Statement) -> Statement:
    """A statement that is made once and kept: values come as parameters, and no list of them for ``IN``."""
    return statement.execution_options(**{_ONCE: True})


def is_made_once(statement: sa.Executable) -> bool:
    """Whether :func:`execute` may be used for it."""
    return bool(statement.get_execution_options().get(_ONCE))


@dataclass(frozen=True, slots=True)
class Changed:
    """What there is to know of a statement that only writes."""

    rowcount: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    """``converted``: how the values of some columns become what their types say."""

    sql: str
    fixed: Mapping[str, Any]
    result: SimpleResultMetaData | None
    converted: tuple[tuple[int, Callable[[Any], Any]], ...]


@cache
def _prepared(statement: sa.Executable, names: tuple[str, ...]) -> _Prepared:
    writes = None if isinstance(statement, sa.Select) else list(names)
    compiled = cast("sa.Compiled", cast("Any", statement).compile(dialect=_DIALECT, column_keys=writes))
    fixed = {name: value for name, value in compiled.params.items() if name not in names}
    if not isinstance(statement, sa.Select):
        return _Prepared(str(compiled), fixed, None, ())
    columns = list(statement.selected_columns)
    processors = [column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for column in columns]
    converted = tuple((place, process) for place, process in enumerate(processors) if process is not None)
    result = SimpleResultMetaData([str(column.key) for column in columns])
    return _Prepared(str(compiled), fixed, result, converted)


def execute(
    connection: sa.Connection, statement: sa.Executable, parameters: Parameters
) -> sa.Result[Any] | Changed:
    """Execute it in the connection's transaction, which begins if there is none. Raises ``sqlite3.Error``."""
    many = isinstance(parameters, Sequence)
    rows = cast("Sequence[Mapping[str, Any]]", parameters if many else (parameters or {},))
    prepared = _prepared(statement, tuple(rows[0]))
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        if many:
            cursor.executemany(prepared.sql, [{**prepared.fixed, **row} for row in rows])
        else:
            cursor.execute(prepared.sql, {**prepared.fixed, **rows[0]})
        if prepared.result is None:
            return Changed(cursor.rowcount)
        found = cursor.fetchall()
    finally:
        cursor.close()
    if prepared.converted:
        found = [_converted(row, prepared.converted) for row in found]
    return IteratorResult(prepared.result, iter(found))


def _converted(row: Sequence[Any], how: tuple[tuple[int, Callable[[Any], Any]], ...]) -> tuple[Any, ...]:
    values = list(row)
    for place, process in how:
        values[place] = process(values[place])
    return tuple(values)
