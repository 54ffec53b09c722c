"""Every kind of metric counted in plain Python, from docs/reference/kinds.md alone.

Slow on purpose: each value is found by looking at rows one at a time. Nothing of the product is
imported here, so that a wrong value cannot be wrong twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from kinds.conditions import Condition, judged, names
from kinds.values import (
    DAY,
    Fact,
    Measure,
    Row,
    Seen,
    aggregate,
    days_between,
    first_day,
    first_instant,
    hours_between,
    instant,
    moved,
    on_the_clock,
    quotient,
    span,
)

Key = tuple[tuple[Any, ...], Any]  # (values of the dimensions, first day of the period)
ALL = "all"  # the period of a query that does not group by metric_time


@dataclass(frozen=True)
class Query:
    """What is asked: metrics by dimensions and periods of a zone's clock, under conditions."""

    metrics: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    grain: str | None = None
    where: tuple[Condition, ...] = ()
    zone: str | None = None


@dataclass(frozen=True)
class Counted:
    """The groups that a metric has, and its value for any group."""

    keys: frozenset[Key]
    value: Callable[[Key], float | None]


@dataclass(frozen=True)
class Asked:
    """What a metric is asked with by those that are made of it."""

    filters: tuple[Condition, ...] = ()
    later: timedelta = timedelta()
    is_later_by_hours: bool = False
    calendar: tuple[tuple[str, str], ...] = ()  # ("window", "1 month") or ("grain", "month")


@dataclass
class Oracle:
    """All metrics over one set of rows.

    Args:
        facts: Marts by name; `unit` holds the units' attributes by full dimension name.
        metrics: Definitions by name, as in YAML, with conditions as trees.
        rows: Rows by mart; `units` maps a unit to its attributes.
        home: The zone of the project.
    """

    facts: Mapping[str, Fact]
    measures: Mapping[str, Measure]
    metrics: Mapping[str, Mapping[str, Any]]
    rows: Mapping[str, list[Row]]
    units: Mapping[Any, Row]
    home: str = "UTC"
    query: Query = field(default_factory=lambda: Query(()))
    reach: tuple[date, date] | None = None  # of the days of every metric of the query
    seen: list[date] = field(default_factory=list)
    is_displaced: bool = False
    joined: Mapping[str, Callable[[Fact, Row, datetime | None], Any]] = field(default_factory=dict)

    def answer(self, query: Query) -> dict[Key, dict[str, float | None]]:
        """Every row of the answer by its group."""
        self.query, self.reach, self.seen = query, None, []
        for name in query.metrics:  # a first look: how far the metrics go
            self.count(name, Asked())
        if self.seen:
            self.reach = min(self.seen), max(self.seen)
        counted = {name: self.count(name, Asked()) for name in query.metrics}
        keys = {key for one in counted.values() for key in one.keys}
        periods = {key[1] for key in keys} - {None, ALL}
        if periods and any(self._fills_gaps(name) for name in query.metrics):
            if query.grain == "hour":
                between: set[Any] = hours_between(min(periods), max(periods), self.zone)
            else:
                days = days_between(min(periods), max(periods))
                between = {first_day(day, query.grain or "day") for day in days}
            keys |= {(key[0], period) for key in keys for period in between}
        if not query.group_by and query.grain is None:
            keys = {((), ALL)}
        return {key: {name: one.value(key) for name, one in counted.items()} for key in keys}

    def _fills_gaps(self, name: str) -> bool:
        params = self.metrics[name]["type_params"]
        raws = [params[key] for key in ("numerator", "denominator") if key in params]
        inputs = [*raws, *params.get("metrics", ())]
        measure = params.get("measure")
        return bool(isinstance(measure, dict) and measure.get("join_to_timespine")) or any(
            self._fills_gaps(one if isinstance(one, str) else one["name"]) for one in inputs
        )

    def count(self, name: str, asked: Asked) -> Counted:
        """A metric's groups and values."""
        metric = self.metrics[name]
        kind, params = metric["type"], metric["type_params"]
        asked = replace(asked, filters=(*asked.filters, *metric.get("filter", ())))
        if kind in ("ratio", "derived"):
            return self._made_of(kind, params, asked)
        if asked.calendar:
            counted = self._displaced(kind, params, asked)
        else:
            counted = self._own(kind, params, asked)
        if asked.calendar or kind not in ("cumulative", "rolling_distinct"):
            self._note({key[1] for key in counted.keys} - {None, ALL})
        return counted

    def _note(self, periods: set[Any]) -> None:
        """Days to which a metric goes: of its last period all of them."""
        if periods and self.query.grain not in (None, "hour"):
            last = moved(max(periods), f"1 {self.query.grain}", 1) - DAY
            self.seen += [min(periods), last]

    @property
    def zone(self) -> str:
        return self.query.zone or self.home

    def _made_of(self, kind: str, params: Mapping[str, Any], asked: Asked) -> Counted:
        raws = (
            params["metrics"] if kind == "derived" else [params["numerator"], params["denominator"]]
        )
        parts = {}
        for raw in raws:
            one = {"name": raw} if isinstance(raw, str) else raw
            later, calendar = asked.later, asked.calendar
            by_hours = asked.is_later_by_hours
            window = one.get("offset_window")
            if window and span(window)[1]:
                calendar = (*calendar, ("window", window))
            elif window:
                later += timedelta(hours=span(window)[0])
                by_hours = "hour" in window
            if "offset_to_grain" in one:
                calendar = (*calendar, ("grain", one["offset_to_grain"]))
            inner = Asked((*asked.filters, *one.get("filter", ())), later, by_hours, calendar)
            parts[one.get("alias", one["name"])] = self.count(one["name"], inner)
        keys = frozenset(key for one in parts.values() for key in one.keys)
        if kind == "ratio":
            above, below = parts.values() if len(parts) == 2 else (*parts.values(),) * 2
            return Counted(keys, lambda key: quotient(above.value(key), below.value(key)))
        made = params["expr"]
        return Counted(keys, lambda key: made({one: parts[one].value(key) for one in parts}))

    def _own(self, kind: str, params: Mapping[str, Any], asked: Asked) -> Counted:
        counting = {
            "simple": self._simple,
            "unit_mean": self._unit_mean,
            "cumulative": self._cumulative,
            "rolling_distinct": self._cumulative,
            "conversion": self._conversion,
            "funnel": self._funnel,
            "retention": self._retention,
        }
        return counting[kind](params, asked)

    def _displaced(self, kind: str, params: Mapping[str, Any], asked: Asked) -> Counted:
        """A period shows another one's value."""
        shown = self.query
        dims, times = self._split()
        self.query, self.is_displaced = replace(shown, where=tuple(dims)), True
        inner = self._own(kind, params, replace(asked, calendar=()))
        self.query, self.is_displaced = shown, False
        assert shown.grain is not None
        grain = shown.grain

        def back(period: date, step: tuple[str, str]) -> date:
            how, what = step
            day = moved(period, what, -1) if how == "window" else first_day(period, what)
            return first_day(day, grain)

        def source(period: date | None) -> date | None:
            for step in asked.calendar:
                period = None if period is None else back(period, step)
            return period

        keys = set(inner.keys)
        for step in reversed(asked.calendar):
            if step[0] == "window":
                keys = self._later(keys, lambda period, step=step: back(period, step), step[1])
        shown_keys = (key for key in keys if self._is_shown(key[1], times))
        return Counted(frozenset(shown_keys), lambda key: inner.value((key[0], source(key[1]))))

    def _later(self, keys: set[Key], back: Callable[[date], date], window: str) -> set[Key]:
        """Every group and period that looks back at one of these."""
        periods = {key[1] for key in keys} - {None}
        found = {key for key in keys if key[1] is None}
        if periods:
            last = max(periods) + (400 + 31 * span(window)[1]) * DAY
            days = days_between(min(periods), last)
            for period in {first_day(day, str(self.query.grain)) for day in days}:
                looked_at = back(period)
                found |= {(group, period) for group, seen in keys if seen == looked_at}
        return found

    # -- rows ------------------------------------------------------------------------------------

    def _wall(self, measure: Measure, row: Row, asked: Asked, zone: str, hourly: bool) -> Any:
        """What the zone's clock shows when a row counts; days know no zone."""
        happened = row[measure.time]
        if not isinstance(happened, datetime):
            return happened and instant(happened) + asked.later
        if hourly or asked.is_later_by_hours:
            return on_the_clock(happened + asked.later, zone)
        return on_the_clock(happened, zone) + asked.later

    def _look(
        self, fact: Fact, row: Row, wall: datetime | None, zone: str, happened: datetime | None
    ) -> Callable[[str], Any]:
        def look(name: str) -> Any:
            base, _, grain = name.partition("@")
            if grain == "entity":
                return row[fact.entities[base]]
            prefix, _, short = base.partition("__")
            if base == "metric_time":
                value: Any = wall
            elif base in self.joined:
                value = self.joined[base](fact, row, happened)
            elif prefix == "unit" and prefix != fact.prefix:
                value = self.units.get(row["unit_id"], {}).get(short)
            else:
                value = row[fact.dimensions[short]]
                if isinstance(value, datetime):
                    value = on_the_clock(value, zone)
            return instant(first_day(value.date(), grain)) if grain and value else value

        return look

    def _split(self) -> tuple[list[Condition], list[Condition]]:
        """The query's conditions: those on dimensions, those on metric_time."""
        flat: list[Condition] = []
        rest = list(self.query.where)
        while rest:
            one = rest.pop(0)
            if one[0] == "and":
                rest = [*one[1:], *rest]
            else:
                flat.append(one)
        on_time = [any(name.startswith("metric_time") for name in names(one)) for one in flat]
        return (
            [one for one, timed in zip(flat, on_time, strict=True) if not timed],
            [one for one, timed in zip(flat, on_time, strict=True) if timed],
        )

    @staticmethod
    def _is_shown(day: date | None, conditions: Iterable[Condition]) -> bool:
        """Whether conditions on metric_time let a day be seen."""
        return all(judged(one, lambda name: instant(day)) for one in conditions)

    def _rows(
        self,
        measure: Measure,
        filters: Iterable[Condition],
        asked: Asked,
        where: Iterable[Condition],
    ) -> list[Seen]:
        """Rows that fulfil every condition."""
        fact = self.facts[measure.fact]
        found = []
        for row in self.rows[measure.fact]:
            happened = instant(row[measure.time])
            at = None if happened is None else happened + asked.later
            hourly = self.query.grain == "hour"
            wall = self._wall(measure, row, asked, self.zone, hourly)
            defined = self._wall(measure, row, asked, self.home, False)
            at_home = self._look(fact, row, defined, self.home, happened)
            as_asked = self._look(fact, row, wall, self.zone, happened)
            if all(judged(one, at_home) for one in (*asked.filters, *filters)) and all(
                judged(one, as_asked) for one in where
            ):
                found.append(Seen(row, at, wall, row[fact.key], happened))
        return found

    def _group(self, measure: Measure, one: Seen) -> tuple[Any, ...]:
        look = self._look(self.facts[measure.fact], one.row, one.wall, self.zone, one.happened)
        return tuple(look(name) for name in self.query.group_by)

    def _period(self, one: Seen) -> Any:
        if self.query.grain is None:
            return ALL
        if one.at is None:
            return None
        if self.query.grain == "hour":
            return first_instant(one.at, self.zone)
        return first_day(one.day, self.query.grain)

    def _key(self, measure: Measure, one: Seen) -> Key:
        return self._group(measure, one), self._period(one)

    def _read(self, raw: Any) -> tuple[Measure, tuple[Condition, ...], Mapping[str, Any]]:
        """A measure, the conditions on its rows, and what else is said."""
        given = {"name": raw} if isinstance(raw, str) else raw
        return self.measures[given["name"]], tuple(given.get("filter", ())), given

    # -- kinds -----------------------------------------------------------------------------------

    def _simple(self, params: Mapping[str, Any], asked: Asked) -> Counted:
        measure, filters, given = self._read(params["measure"])
        rows = self._rows(measure, filters, asked, self.query.where)
        if measure.level is not None:
            rows = self._at_the_moment(measure, rows)
        groups: dict[Key, list[Seen]] = {}
        for one in rows:
            groups.setdefault(self._key(measure, one), []).append(one)
        fill = given.get("fill_nulls_with")

        def value(key: Key) -> float | None:
            found = aggregate(measure, groups.get(key, ()))
            return fill if found is None else found

        return Counted(frozenset(groups), value)

    def _at_the_moment(self, measure: Measure, rows: list[Seen]) -> list[Seen]:
        """Of a level, rows at the first or last moment of their period and entities."""
        assert measure.level is not None
        column, choice, entities = measure.level
        moments: dict[Any, Any] = {}

        def part(one: Seen) -> tuple[Any, ...]:
            return self._period(one), *(one.row[entity] for entity in entities)

        for one in rows:
            moment = one.row[column]
            if moment is not None:
                known = moments.setdefault(part(one), moment)
                moments[part(one)] = {"min": min, "max": max}[choice](known, moment)
        return [
            one
            for one in rows
            if one.row[column] is not None and one.row[column] == moments[part(one)]
        ]

    def _unit_mean(self, params: Mapping[str, Any], asked: Asked) -> Counted:
        measure, filters, given = self._read(params["measure"])
        groups: dict[Key, list[Seen]] = {}
        for one in self._rows(measure, filters, asked, self.query.where):
            if one.row["unit_id"] is not None:
                groups.setdefault(self._key(measure, one), []).append(one)

        def value(key: Key) -> float | None:
            units: dict[Any, list[float]] = {}
            for one in groups.get(key, ()):
                found = measure.value(one.row)
                if found is not None:
                    units.setdefault(one.row["unit_id"], []).append(found)
            means = [math.fsum(values) / len(values) for values in units.values()]
            return math.fsum(means) / len(means) if means else given.get("fill_nulls_with")

        return Counted(frozenset(groups), value)

    def _cumulative(self, params: Mapping[str, Any], asked: Asked) -> Counted:
        measure, filters, _ = self._read(params["measure"])
        grain = self.query.grain
        if grain is None:
            return self._simple({"measure": params["measure"]}, asked)
        more = params.get("cumulative_type_params", {})
        rolling = "window" in params
        window = params.get("window") or more.get("window")
        period_agg = params.get("period_agg") or more.get("period_agg")
        period_agg = period_agg or ("last" if rolling else "first")
        dims, times = self._split()
        rows = [one for one in self._rows(measure, filters, asked, dims) if one.at is not None]
        groups: dict[tuple[Any, ...], list[Seen]] = {}
        for one in rows:
            groups.setdefault(self._group(measure, one), []).append(one)
        if not rows:
            return Counted(frozenset(), lambda key: None)
        first, last = min(r.day for r in rows), max(r.day for r in rows)
        days = days_between(first, last)
        if not self.is_displaced:
            self.seen += [first, last]
            if self.reach:  # whole periods that only other metrics have
                own = {first_day(first, grain), first_day(last, grain)}
                beyond = days_between(*self.reach)
                days = [
                    day
                    for day in beyond
                    if first <= day <= last
                    or first_day(day, grain) < min(own)
                    or first_day(day, grain) > max(own)
                ]
        shown = [day for day in days if self._is_shown(day, times)]

        def starts(day: date) -> date:
            if window:
                hours, months = span(window)
                return moved(day, window, -1) + DAY if months else day - (hours // 24 - 1) * DAY
            if "grain_to_date" in more:
                return first_day(day, more["grain_to_date"])
            return date.min

        def at(group: tuple[Any, ...], day: date) -> float | None:
            start = starts(day)
            return aggregate(measure, [r for r in groups.get(group, ()) if start <= r.day <= day])

        def value(key: Key) -> float | None:
            mine = [day for day in shown if first_day(day, grain) == key[1]]
            if not mine or key[0] not in groups:
                return None
            if period_agg != "average":
                return at(key[0], mine[0] if period_agg == "first" else mine[-1])
            values = [found for day in mine if (found := at(key[0], day)) is not None]
            return math.fsum(values) / len(values) if values else None

        periods = {first_day(day, grain) for day in shown}
        return Counted(frozenset((group, p) for group in groups for p in periods), value)

    def _conversion(self, params: Mapping[str, Any], asked: Asked) -> Counted:
        params = params["conversion_type_params"]
        base, base_filters, _ = self._read(params["base_measure"])
        converted, converted_filters, _ = self._read(params["conversion_measure"])
        entity, window, touch = params["entity"], params.get("window"), params.get("touch", "last")
        constants = params.get("constant_properties", ())

        def same(b: Seen, c: Seen) -> bool:
            one = self._look(self.facts[base.fact], b.row, b.wall, self.zone, b.happened)
            other = self._look(self.facts[converted.fact], c.row, c.wall, self.zone, c.happened)
            pairs = [(one(f"{entity}@entity"), other(f"{entity}@entity"))]
            for names_of in constants:
                ours = _in_full(self.facts[base.fact], names_of["base_property"])
                theirs = _in_full(self.facts[converted.fact], names_of["conversion_property"])
                pairs.append((one(ours), other(theirs)))
            return all(x is not None and x == y for x, y in pairs)

        def reaches(b: Seen, c: Seen) -> bool:
            assert b.at is not None
            assert c.at is not None
            if b.at > c.at or not same(b, c):
                return False
            if window is None:
                return True
            if span(window)[1]:
                return bool(b.at > moved(c.at, window, -1))
            return bool(c.at < moved(b.at, window, 1))

        bases = [one for one in self._rows(base, base_filters, asked, self.query.where) if one.at]
        others = [one for one in self._rows(converted, converted_filters, asked, ()) if one.at]
        groups: dict[Key, list[Seen]] = {}
        counting: dict[Key, list[Seen]] = {}
        for one in bases:
            groups.setdefault(self._key(base, one), []).append(one)
            if touch == "any" and any(reaches(one, other) for other in others):
                counting.setdefault(self._key(base, one), []).append(one)
        for other in others if touch != "any" else ():
            reaching = sorted(
                (one for one in bases if reaches(one, other)), key=lambda one: (one.at, one.key)
            )
            if reaching:
                chosen = reaching[-1 if touch == "last" else 0]
                counting.setdefault(self._key(base, chosen), []).append(other)
        what = base if touch == "any" else converted

        def value(key: Key) -> float | None:
            found = aggregate(what, counting.get(key, ())) or 0
            if params.get("calculation") == "conversions":
                return found
            return quotient(found, aggregate(base, groups.get(key, ())))

        return Counted(frozenset(groups), value)

    def _funnel(self, params: Mapping[str, Any], asked: Asked) -> Counted:
        raws, window = params["steps"], params.get("window")
        is_strict = params.get("order", "loose") == "strict"
        titles = [raw["name"] for raw in raws]
        of = titles.index(params.get("of", titles[-1]))
        over = titles.index(params.get("over", titles[0]))
        first = self.measures[raws[0]["measure"]]
        orders: dict[Any, list[tuple[datetime, int]]] = {}
        attempts: list[Seen] = []
        for at, raw in enumerate(raws):
            measure = self.measures[raw["measure"]]
            where = self.query.where if at == 0 else ()
            for one in self._rows(measure, raw.get("filter", ()), asked, where):
                if one.at is None or one.row["unit_id"] is None:
                    continue
                order = orders.setdefault(one.row["unit_id"], [])
                if at == 0:
                    attempts.append(one)
                if at > 0 or (one.at, 0) not in order:
                    order.append((one.at, at))
        for order in orders.values():
            order.sort()

        def furthest(one: Seen) -> int:
            """Position of the last step that an attempt reached."""
            assert one.at is not None
            order = orders[one.row["unit_id"]]
            here, step = order.index((one.at, 0)), 0
            while step + 1 < len(raws):
                behind = range(here + 1, len(order))
                if is_strict:
                    behind = behind[:1]
                following = [n for n in behind if order[n][1] == step + 1]
                if not following:
                    break
                arrived = order[following[0]][0]
                if window and arrived >= moved(one.at, window, 1):
                    break
                here, step = following[0], step + 1
            return step

        reached: dict[Key, list[set[Any]]] = {}
        for one in attempts:
            units = reached.setdefault(self._key(first, one), [set() for _ in raws])
            for step in range(furthest(one) + 1):
                units[step].add(one.row["unit_id"])

        def value(key: Key) -> float | None:
            units = reached.get(key)
            return None if units is None else quotient(len(units[of]), len(units[over]))

        return Counted(frozenset(reached), value)

    def _retention(self, params: Mapping[str, Any], asked: Asked) -> Counted:
        cohort, cohort_filters, _ = self._read(params["cohort"])
        returns, return_filters, _ = self._read(params["returns"])
        period, number = params["period"], params["number"]
        dims, times = self._split()

        def known(one: Seen) -> bool:
            return one.at is not None and one.row["unit_id"] is not None

        entries: dict[Any, Seen] = {}
        rows = filter(known, self._rows(cohort, cohort_filters, asked, dims))
        for one in sorted(rows, key=lambda one: (one.at, one.key)):
            which = first_day(one.day, period) if params.get("recurring") else None
            entries.setdefault((one.row["unit_id"], which), one)
        back: dict[Any, set[date]] = {}
        for one in filter(known, self._rows(returns, return_filters, asked, ())):
            back.setdefault(one.row["unit_id"], set()).add(first_day(one.day, period))
        everything = self._rows(returns, (), Asked(later=asked.later), ())
        last = max((first_day(one.day, period) for one in everything if one.at), default=date.min)
        found: dict[Key, list[bool]] = {}
        for one in entries.values():
            if not all(judged(c, lambda name, at=one.wall: _truncated(name, at)) for c in times):
                continue
            looked_at = moved(first_day(one.day, period), f"{number} {period}", 1)
            if looked_at < last:
                mine = found.setdefault(self._key(cohort, one), [])
                periods = back.get(one.row["unit_id"], set())
                is_rolling = params.get("rolling")
                mine.append(any(p == looked_at or (is_rolling and p > looked_at) for p in periods))

        def value(key: Key) -> float | None:
            return quotient(sum(found.get(key, ())), len(found.get(key, ())))

        return Counted(frozenset(found), value)


def _in_full(fact: Fact, name: str) -> str:
    """A constant property: an entity, a dimension of the fact, or one in full."""
    if name in fact.entities:
        return f"{name}@entity"
    return f"{fact.prefix}__{name}" if name in fact.dimensions else name


def _truncated(name: str, at: datetime | None) -> datetime | None:
    grain = name.partition("@")[2]
    return instant(first_day(at.date(), grain)) if grain and at else at
