"""Random definitions and random questions about them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from kinds.conditions import Condition
from kinds.definitions import Definition, all_facts, has_hours, has_offset, leading, reachable
from kinds.marts import BEGINNINGS, MEASURES, VALUES
from kinds.oracle import Query
from kinds.values import first_day

ADDITIVE = ("sum", "count", "sum_boolean")
EXPRESSIONS: dict[str, Callable[[Any, Any], Any]] = {
    "a - b": lambda a, b: _if_known(lambda: a - b, a, b),
    "a + b * 2": lambda a, b: _if_known(lambda: a + b * 2, a, b),
    "a / b": lambda a, b: None if a is None or not b else a / b,
    "(a - b) / b": lambda a, b: None if a is None or not b else (a - b) / b,
    "coalesce(a, 0) - coalesce(b, 0)": lambda a, b: (a or 0) - (b or 0),
    "case when a > b then a else b end": lambda a, b: (
        a if a is not None and b is not None and a > b else b
    ),
}
#: Kinds by how often they are drawn.
DRAWN = {
    "simple": 3,
    "ratio": 2,
    "derived": 3,
    "offset": 5,
    "cumulative": 5,
    "rolling_distinct": 3,
    "unit_mean": 1,
    "level": 3,
    "gaps": 2,
    "conversion": 6,
    "funnel": 6,
    "retention": 5,
}


def _if_known(made: Callable[[], Any], *values: Any) -> Any:
    return None if None in values else made()


class Drawing:
    """Draws definitions; `metrics` holds them by name, with those they are made of."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311
        self.metrics: dict[str, Definition] = {}
        self.values: dict[str, list[Any]] = VALUES

    def known(self, facts: set[str]) -> list[str]:
        """Dimensions that all of these facts have."""
        return [name for name in VALUES if reachable(name, facts)]

    def draw(self, count: int) -> list[str]:
        """Names of so many new definitions of all kinds."""
        kinds = list(DRAWN)
        weights = list(DRAWN.values())
        return [self._make(kind) for kind in self.chance.choices(kinds, weights, k=count)]

    def draw_filtered(self, measures: Sequence[str], known: Sequence[str], count: int) -> list[str]:
        """Names of so many simple metrics, each of one measure under a condition of its own."""
        return [
            self._add(
                "simple",
                {"measure": self.chance.choice(measures)},
                {"filter": [self._condition(known)]},
            )
            for _ in range(count)
        ]

    def query(
        self,
        metrics: Sequence[str],
        grains: Sequence[str],
        first: date,
        zones: Sequence[str | None] = (None,),
    ) -> Query:
        """A question that all of these metrics can answer.

        Args:
            grains: Those that every metric has; hours where these have them.
            first: The first day of the data.
            zones: Those to draw from.
        """
        chance = self.chance
        facts = {fact for name in metrics for fact in leading(self.metrics, name)}
        known = self.known(facts)
        grouped = chance.sample(known, chance.choice([0, 0, 0, 1, 1, 2]))
        needs_time = any(has_offset(self.metrics, name) for name in metrics)
        by_hour = ["hour"] * 2 if all(has_hours(self.metrics, name) for name in metrics) else []
        grain = chance.choice([*grains, *by_hour, *([] if needs_time else [None, None])])
        group_by = tuple(grouped)
        where = [self._condition(known) for _ in range(chance.choice([0, 0, 0, 0, 1, 2]))]
        if chance.random() < 0.3:
            is_events = "event__event_name" in known
            names = ["metric_time", *(["event__received_at"] if is_events else [])]
            where.append(self._time_condition(first, chance.choice(names)))
        if len(where) == 2 and chance.random() < 0.5:
            where = [("and", *where)]
        return Query(tuple(metrics), group_by, grain, tuple(where), chance.choice(zones))

    # -- parts -----------------------------------------------------------------------------------

    def _condition(self, known: Sequence[str]) -> Condition:
        chance = self.chance
        name = chance.choice(known)
        values = self.values
        value = chance.choice(values[name])
        one: Condition = chance.choice(
            [
                ("=", name, value),
                ("=", name, value),
                ("<>", name, value),
                ("in", name, values[name][:2]),
                ("not in", name, values[name][1:]),
                ("is null", name),
                ("is not null", name),
                ("not", ("=", name, value)),
            ]
        )
        if chance.random() < 0.2:
            other = chance.choice(known)
            return ("or", one, ("=", other, chance.choice(values[other])))
        return one

    def _time_condition(self, first: date, name: str = "metric_time") -> Condition:
        chance = self.chance
        day = first + timedelta(days=chance.randrange(0, 25))
        later = day + timedelta(days=chance.randrange(2, 30))
        return chance.choice(
            [
                (">=", name, day),
                (">=", f"{name}@week", first_day(day, "week")),
                ("<", name, f"{day} 02:30:00"),
                ("<", name, f"{day} 09:00:00"),
                (">=", name, day.replace(day=1)),
                ("<", name, later),
                ("between", name, day, later),
            ]
        )

    def _filter(self, facts: set[str], often: float = 0.4) -> dict[str, Any]:
        if self.chance.random() > often:
            return {}
        if self.chance.random() < 0.1:
            names = ["metric_time", *(["event__received_at"] if facts == {"events"} else [])]
            first, name = self.chance.choice(BEGINNINGS), self.chance.choice(names)
            return {"filter": [self._time_condition(first, name)]}
        return {"filter": [self._condition(self.known(facts))]}

    def _measure(self, *aggs: str, fact: str | None = None) -> str:
        return self.chance.choice(
            [
                name
                for name, one in MEASURES.items()
                if (not aggs or one.agg in aggs)
                and (fact is None or one.fact == fact)
                and one.level is None
            ]
        )

    def _rows(self, measure: str, often: float = 0.4) -> Any:
        more = self._filter({MEASURES[measure].fact}, often)
        return {"name": measure, **more} if more else measure

    def _add(self, kind: str, params: Definition, filters: Mapping[str, Any] | None = None) -> str:
        name = f"m{len(self.metrics)}_{kind}"
        self.metrics[name] = {"type": kind, "type_params": params, **(filters or {})}
        return name

    def _make(self, kind: str) -> str:
        return getattr(self, f"_make_{kind}")()  # type: ignore[no-any-return]

    # -- kinds -----------------------------------------------------------------------------------

    def _make_simple(self) -> str:
        measure = self._measure()
        more = self._filter({MEASURES[measure].fact})
        return self._add("simple", {"measure": self._rows(measure, 0.2)}, more)

    def _make_gaps(self) -> str:
        given = {"name": self._measure()}
        words = [{"join_to_timespine": True}, {"fill_nulls_with": 0}, {"fill_nulls_with": 3}]
        for more in self.chance.sample(words, self.chance.choice([1, 2])):
            given |= more
        return self._add("simple", {"measure": given}, self._filter({MEASURES[given["name"]].fact}))

    def _make_level(self) -> str:
        measure = self.chance.choice([name for name, one in MEASURES.items() if one.level])
        return self._add("simple", {"measure": self._rows(measure, 0.3)})

    def _make_unit_mean(self) -> str:
        given = self._rows(self._measure("sum", "average"))
        if self.chance.random() < 0.3:
            given = {"name": given} if isinstance(given, str) else given
            given |= {"join_to_timespine": True, "fill_nulls_with": 2}
        return self._add("unit_mean", {"measure": given})

    def _input(self) -> str:
        kinds = ["simple", "simple", "simple", "gaps", "cumulative", "conversion", "ratio", "level"]
        kind = self.chance.choice(kinds)
        # with a touch it stands below product_metrics:, and a metric of dbt's is not made of those
        return self._make_conversion(has_touch=False) if kind == "conversion" else self._make(kind)

    def _made_of(self, name: str) -> Any:
        more = self._filter(set(all_facts(self.metrics, name)), 0.3)
        return {"name": name, **more} if more else name

    def _make_ratio(self) -> str:
        sides = [self._add("simple", {"measure": self._rows(self._measure())}) for _ in range(2)]
        if self.chance.random() < 0.3:
            sides[1] = self._input()
        given = {
            "numerator": self._made_of(sides[0]),
            "denominator": self._made_of(sides[1]),
        }
        facts = {fact for side in sides for fact in all_facts(self.metrics, side)}
        return self._add("ratio", given, self._filter(facts, 0.2))

    def _make_derived(self, **offset: str) -> str:
        first = self._input()
        second = first if offset and self.chance.random() < 0.6 else self._input()
        inputs = [self._made_of(first), self._made_of(second)]
        inputs = [{"name": one} if isinstance(one, str) else one for one in inputs]
        inputs[0]["alias"], inputs[1]["alias"] = "a", "b"
        inputs[1] |= offset
        text = self.chance.choice(list(EXPRESSIONS))
        made = EXPRESSIONS[text]
        given = {"expr": lambda of: made(of["a"], of["b"]), "text": text, "metrics": inputs}
        facts = {fact for side in (first, second) for fact in all_facts(self.metrics, side)}
        return self._add("derived", given, self._filter(facts, 0.2))

    def _make_offset(self) -> str:
        chance = self.chance
        if chance.random() < 0.6:
            window = [
                "5 hours",
                "1 day",
                "7 days",
                "2 weeks",
                "1 month",
                "2 months",
                "1 quarter",
                "1 year",
            ]
            return self._make_derived(offset_window=chance.choice(window))
        return self._make_derived(
            offset_to_grain=chance.choice(["week", "month", "quarter", "year"])
        )

    def _make_cumulative(self) -> str:
        chance = self.chance
        aggs = ("sum", "count", "sum_boolean", "min", "max", "average", "count_distinct")
        measure = self._measure(*aggs)
        spans = ["1 day", "3 days", "7 days", "2 weeks"]
        if MEASURES[measure].agg != "count_distinct":
            spans += ["1 month", "1 quarter"]
        window = {"window": chance.choice(spans)}
        to_date = {"grain_to_date": chance.choice(["week", "month", "quarter", "year"])}
        more: Definition = chance.choice([{}, window, window, to_date])
        if chance.random() < 0.6:
            more = {**more, "period_agg": chance.choice(["first", "last", "average"])}
        given: Definition = {"measure": self._rows(measure)}
        if more:
            given["cumulative_type_params"] = more
        return self._add("cumulative", given, self._filter({MEASURES[measure].fact}, 0.15))

    def _make_rolling_distinct(self) -> str:
        given = {"measure": self._rows(self._measure("count_distinct"))}
        given["window"] = self.chance.choice(["1 day", "2 days", "7 days", "28 days", "1 week"])
        if self.chance.random() < 0.6:
            given["period_agg"] = self.chance.choice(["first", "last", "average"])
        return self._add("rolling_distinct", given)

    def _make_conversion(self, *, has_touch: bool = True) -> str:
        chance = self.chance
        aggs = ("count", "sum", "count_distinct")
        base = self._measure(*aggs, fact=chance.choice(["events", "events", None]))
        other = self._measure(*aggs, fact=chance.choice(["events", None]))
        facts = {MEASURES[base].fact, MEASURES[other].fact}
        given: Definition = {
            "base_measure": self._rows(base, 0.6),
            "conversion_measure": self._rows(other, 0.6),
            "entity": "unit",
        }
        if facts == {"events"} and chance.random() < 0.2:
            given["entity"] = "session"
        if chance.random() < 0.75:
            spans = ["1 hour", "1 day", "7 days", "2 weeks", "1 month"]
            given["window"] = chance.choice(spans)
        if chance.random() < 0.7:
            given["calculation"] = chance.choice(["conversions", "conversion_rate"])
        if has_touch and chance.random() < 0.8:
            given["touch"] = chance.choice(["first", "last", "any"])
        if facts == {"events"} and chance.random() < 0.35:
            names = ["event__app_version", "event__is_error", "unit__plan"]
            base_name, other_name = chance.choice(
                [
                    *zip(names, names, strict=True),
                    ("event__is_error", "event__is_long"),
                    ("app_version", "event__app_version"),
                    ("session", "session"),
                ]
            )
            given["constant_properties"] = [
                {"base_property": base_name, "conversion_property": other_name}
            ]
        return self._add("conversion", {"conversion_type_params": given}, self._filter(facts, 0.2))

    def _make_funnel(self) -> str:
        chance = self.chance
        facts = (
            ["events"] * 4 if chance.random() < 0.6 else ["events", "payments", "events", "events"]
        )
        chance.shuffle(facts)
        steps = []
        for at in range(chance.choice([2, 2, 3, 4])):
            measure = self._measure(fact=facts[at])
            step = {"name": f"step{at}", "measure": measure}
            if facts[at] == "events" and chance.random() < 0.6:
                name = chance.choice(["view", "signup", "order"])
                step["filter"] = [("=", "event__event_name", name)]
            else:
                step |= self._filter({facts[at]}, 0.5)
            steps.append(step)
        given: Definition = {"steps": steps}
        if chance.random() < 0.6:
            given["window"] = chance.choice(["1 hour", "1 day", "7 days", "1 month"])
        if chance.random() < 0.7:
            given["order"] = chance.choice(["loose", "strict"])
        if chance.random() < 0.4:
            over, of = sorted(chance.choices(range(len(steps)), k=2))
            given |= {"of": f"step{of}", "over": f"step{over}"}
        return self._add("funnel", given, self._filter({*facts[: len(steps)]}, 0.2))

    def _make_retention(self) -> str:
        chance = self.chance
        cohort = self._measure(fact=chance.choice(["events", "events", "payments"]))
        returns = self._measure(fact=chance.choice(["events", "payments"]))
        given: Definition = {
            "cohort": self._rows(cohort, 0.3),
            "returns": self._rows(returns, 0.3),
            "period": chance.choice(["day", "day", "week", "us_week", "month"]),
            "number": chance.choice([0, 1, 1, 2, 4]),
        }
        for word in ("rolling", "recurring"):
            if chance.random() < 0.4:
                given[word] = True
        facts = {MEASURES[cohort].fact, MEASURES[returns].fact}
        return self._add("retention", given, self._filter(facts, 0.15))
