"""Three small marts and their units, as the catalog and the oracle read them; random rows."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow

from kinds.values import DAY, Fact, Measure, Row, moved

MODELS = """
version: 2
models:
  - name: fct_events
    columns:
      - {name: event_id, data_type: varchar}
      - {name: event_name, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: session_id, data_type: varchar}
      - {name: app_version, data_type: varchar}
      - {name: seconds, data_type: double}
      - {name: amount, data_type: double}
      - {name: is_error, data_type: boolean}
      - {name: occurred_at, data_type: timestamp}
      - {name: received_at, data_type: timestamp}
  - name: fct_payments
    columns:
      - {name: payment_id, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: method, data_type: varchar}
      - {name: paid, data_type: double}
      - {name: paid_on, data_type: date}
  - name: fct_balances
    columns:
      - {name: balance_id, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: account_id, data_type: varchar}
      - {name: region, data_type: varchar}
      - {name: seats, data_type: double}
      - {name: measured_at, data_type: timestamp}
  - name: dim_units
    columns:
      - {name: unit_id, data_type: varchar}
      - {name: plan, data_type: varchar}
      - {name: country, data_type: varchar}
semantic_models:
  - name: events
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities:
      - {name: event, type: primary, expr: event_id}
      - {name: unit, type: foreign, expr: unit_id}
      - {name: session, type: foreign, expr: session_id}
    dimensions:
      - {name: event_name, type: categorical}
      - {name: app_version, type: categorical}
      - {name: is_error, type: categorical}
      - {name: is_long, type: categorical, expr: seconds > 60}
      - {name: occurred_at, type: time, type_params: {time_granularity: second}}
      - {name: received_at, type: time, type_params: {time_granularity: second}}
    measures:
      - {name: event_count, agg: count, expr: event_id}
      - {name: received_count, agg: count, expr: event_id, agg_time_dimension: received_at}
      - {name: event_units, agg: count_distinct, expr: unit_id}
      - {name: sessions, agg: count_distinct, expr: session_id}
      - {name: error_count, agg: sum_boolean, expr: is_error}
      - {name: amount_sum, agg: sum, expr: amount}
      - {name: seconds_average, agg: average, expr: seconds}
      - {name: amount_least, agg: min, expr: amount}
      - {name: amount_most, agg: max, expr: amount}
      - {name: seconds_median, agg: median, expr: seconds}
      - {name: seconds_p90, agg: percentile, expr: seconds, agg_params: {percentile: 0.9}}
      - name: seconds_p25
        agg: percentile
        expr: seconds
        agg_params: {percentile: 0.25, use_discrete_percentile: true}
  - name: payments
    model: ref('fct_payments')
    defaults: {agg_time_dimension: paid_on}
    entities:
      - {name: payment, type: primary, expr: payment_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: method, type: categorical}
      - {name: paid_on, type: time, type_params: {time_granularity: day}}
    measures:
      - {name: payment_count, agg: count, expr: payment_id}
      - {name: paying_units, agg: count_distinct, expr: unit_id}
      - {name: paid_sum, agg: sum, expr: paid}
      - {name: paid_median, agg: median, expr: paid}
  - name: balances
    model: ref('fct_balances')
    defaults: {agg_time_dimension: measured_at}
    entities:
      - {name: balance, type: primary, expr: balance_id}
      - {name: unit, type: foreign, expr: unit_id}
      - {name: account, type: foreign, expr: account_id}
    dimensions:
      - {name: region, type: categorical}
      - {name: measured_at, type: time, type_params: {time_granularity: second}}
    measures:
      - name: last_seats
        agg: sum
        expr: seats
        non_additive_dimension: {name: measured_at, window_choice: max}
      - name: first_seats_by_account
        agg: sum
        expr: seats
        non_additive_dimension:
          {name: measured_at, window_choice: min, window_groupings: [account]}
      - name: last_seats_by_account
        agg: average
        expr: seats
        non_additive_dimension:
          {name: measured_at, window_choice: max, window_groupings: [account, unit]}
  - name: units
    model: ref('dim_units')
    entities:
      - {name: unit, type: primary, expr: unit_id}
    dimensions:
      - {name: plan, type: categorical}
      - {name: country, type: categorical}
"""

FACTS = {
    "events": Fact(
        "event",
        "event_id",
        {"event": "event_id", "unit": "unit_id", "session": "session_id"},
        {
            one: one
            for one in (
                "event_name",
                "app_version",
                "is_error",
                "is_long",
                "occurred_at",
                "received_at",
            )
        },
    ),
    "payments": Fact(
        "payment",
        "payment_id",
        {"payment": "payment_id", "unit": "unit_id"},
        {"method": "method", "paid_on": "paid_on"},
    ),
    "balances": Fact(
        "balance",
        "balance_id",
        {"balance": "balance_id", "unit": "unit_id", "account": "account_id"},
        {"region": "region", "measured_at": "measured_at"},
    ),
}

TIMES = {"events": "occurred_at", "payments": "paid_on", "balances": "measured_at"}


def _of(name: str) -> Any:
    return lambda row: row[name]


MEASURES = {
    "event_count": Measure("events", "count", _of("event_id"), "occurred_at"),
    "received_count": Measure("events", "count", _of("event_id"), "received_at"),
    "event_units": Measure("events", "count_distinct", _of("unit_id"), "occurred_at"),
    "sessions": Measure("events", "count_distinct", _of("session_id"), "occurred_at"),
    "error_count": Measure("events", "sum_boolean", _of("is_error"), "occurred_at"),
    "amount_sum": Measure("events", "sum", _of("amount"), "occurred_at"),
    "seconds_average": Measure("events", "average", _of("seconds"), "occurred_at"),
    "amount_least": Measure("events", "min", _of("amount"), "occurred_at"),
    "amount_most": Measure("events", "max", _of("amount"), "occurred_at"),
    "seconds_median": Measure("events", "median", _of("seconds"), "occurred_at"),
    "seconds_p90": Measure("events", "percentile", _of("seconds"), "occurred_at", 0.9),
    "seconds_p25": Measure(
        "events", "percentile", _of("seconds"), "occurred_at", 0.25, is_discrete=True
    ),
    "payment_count": Measure("payments", "count", _of("payment_id"), "paid_on"),
    "paying_units": Measure("payments", "count_distinct", _of("unit_id"), "paid_on"),
    "paid_sum": Measure("payments", "sum", _of("paid"), "paid_on"),
    "paid_median": Measure("payments", "median", _of("paid"), "paid_on"),
    "last_seats": Measure(
        "balances", "sum", _of("seats"), "measured_at", level=("measured_at", "max", ())
    ),
    "first_seats_by_account": Measure(
        "balances",
        "sum",
        _of("seats"),
        "measured_at",
        level=("measured_at", "min", ("account_id",)),
    ),
    "last_seats_by_account": Measure(
        "balances",
        "average",
        _of("seats"),
        "measured_at",
        level=("measured_at", "max", ("account_id", "unit_id")),
    ),
}

#: Where stretches of rows begin: before the ends of a year, of months of 28 and 31 days and of a
#: leap year's February, and before changes of the clocks.
BEGINNINGS = (
    date(2025, 12, 24),
    date(2026, 2, 20),
    date(2024, 2, 22),
    date(2026, 3, 22),
    date(2026, 10, 20),
    date(2026, 1, 25),
    date(2026, 3, 5),
    date(2026, 9, 30),
)
#: When clocks change in Berlin, New York and on Lord Howe Island. UTC.
CHANGES = tuple(
    map(
        datetime.fromisoformat,
        (
            "2026-03-08 07:00",
            "2026-03-29 01:00",
            "2026-04-04 15:00",
            "2026-10-03 15:30",
            "2026-10-25 01:00",
            "2026-11-01 06:00",
        ),
    )
)
VALUES: dict[str, list[Any]] = {
    "event__event_name": ["view", "signup", "order"],
    "event__app_version": ["1.0", "1.1"],
    "event__is_error": [True, False],
    "event__is_long": [True, False],
    "payment__method": ["card", "cash"],
    "balance__region": ["north", "south"],
    "unit__plan": ["free", "pro"],
    "unit__country": ["DE", "FR"],
}


def make_rows(chance: random.Random) -> tuple[dict[str, list[Row]], dict[Any, Row]]:
    """Rows of every mart, and the attributes of those units that are known."""
    beginning = chance.choice(BEGINNINGS)
    length = chance.choice([4, 9, 16, 20, 45, 70])
    names = [f"u{index}" for index in range(chance.choice([2, 3, 5, 12]))]
    units: dict[Any, Row] = {
        name: {"plan": chance.choice(["free", "pro", None]), "country": chance.choice(["DE", "FR"])}
        for name in names
        if chance.random() > 0.15
    }
    known: list[datetime] = []
    end = beginning + length * DAY
    nights = [one for one in CHANGES if beginning <= one.date() < end]

    def moment() -> datetime:
        if known and chance.random() < 0.3:  # the instant of another row, or a window later
            apart = chance.choice(["0 days"] * 4 + ["1 hour", "1 day", "7 days", "1 month"])
            return moved(chance.choice(known), apart, 1)
        if nights and chance.random() < 0.35:  # around a change of the clocks, and its midnights
            apart = chance.choice([15 * n for n in range(-8, 9)] + [60 * n for n in range(-24, 25)])
            found = chance.choice(nights) + timedelta(minutes=apart)
            known.append(found)
            return found
        day = beginning + chance.randrange(length) * DAY
        hour = chance.choice([0, 0, 1, 2, 9, 23])
        found = datetime(day.year, day.month, day.day, hour, chance.choice([0, 0, 30, 59]))  # noqa: DTZ001
        known.append(found)
        return found

    def unit() -> str | None:
        return chance.choice([*names, *names, None])

    events = []
    for index in range(chance.choice([0, 25, 60, 90, 90, 90, 120])):
        at = moment() if chance.random() > 0.04 else None
        seconds = chance.choice([None, 0.0, 30.5, 61.0, round(chance.random() * 200, 2)])
        events.append(
            {
                "event_id": f"e{index:03}",
                "event_name": chance.choice(["view", "view", "signup", "order", None]),
                "unit_id": unit(),
                "session_id": chance.choice(["s1", "s2", "s3", None]),
                "app_version": chance.choice(["1.0", "1.1", "1.1", None]),
                "seconds": seconds,
                "amount": chance.choice([None, None, 0.0, 5.0, 19.99, -3.5]),
                "is_error": chance.choice([True, False, False, None]),
                "occurred_at": at,
                "received_at": None if at is None else at + chance.choice([0, 0, 1, 9]) * DAY,
                "is_long": None if seconds is None else seconds > 60,
            }
        )
    payments = [
        {
            "payment_id": f"p{index:03}",
            "unit_id": unit(),
            "method": chance.choice(["card", "cash", None]),
            "paid": chance.choice([None, 1.0, 10.0, 25.5]),
            "paid_on": moment().date() if chance.random() > 0.04 else None,
        }
        for index in range(chance.choice([0, 15, 25, 40]))
    ]
    balances = [
        {
            "balance_id": f"b{index:03}",
            "unit_id": unit(),
            "account_id": chance.choice(["a1", "a2", "a3", None]),
            "region": chance.choice(["north", "south", None]),
            "seats": chance.choice([None, 1.0, 3.0, 8.0]),
            "measured_at": moment() if chance.random() > 0.04 else None,
        }
        for index in range(chance.choice([0, 6, 30]))
    ]
    return {"events": events, "payments": payments, "balances": balances}, units


def make_engine(rows: dict[str, list[Row]], units: dict[Any, Row]) -> duckdb.DuckDBPyConnection:
    """An engine that holds the same rows."""
    engine = duckdb.connect(":memory:")
    engine.execute(
        """
        create table fct_events (event_id varchar, event_name varchar, unit_id varchar,
            session_id varchar, app_version varchar, seconds double, amount double,
            is_error boolean, occurred_at timestamp, received_at timestamp);
        create table fct_payments (payment_id varchar, unit_id varchar, method varchar,
            paid double, paid_on date);
        create table fct_balances (balance_id varchar, unit_id varchar, account_id varchar,
            region varchar, seats double, measured_at timestamp);
        create table dim_units (unit_id varchar, plan varchar, country varchar);
        create table time_spine as
            select unnest(range(date '2022-01-01', date '2030-01-01', interval 1 day))::date
                as date_day;
        """
    )
    attributes = [{"unit_id": name, **row} for name, row in units.items()]
    stored = [{k: v for k, v in row.items() if k != "is_long"} for row in rows["events"]]
    for table, given in (
        ("fct_events", stored),
        ("fct_payments", rows["payments"]),
        ("fct_balances", rows["balances"]),
        ("dim_units", attributes),
    ):
        if given:
            engine.register("given", pyarrow.Table.from_pylist(given))
            engine.execute(f"insert into {table} select * from given")
            engine.unregister("given")
    return engine
