"""Profiles of the properties of an event `order`, day by day, as the models would make them."""

from __future__ import annotations

from typing import Any

SHIPPED_ON, CUTOFF_ON = "2026-03-02", "2026-03-16"


def add_rows(
    world: Any, since: str = "2026-02-02", until: str = CUTOFF_ON, rows: int = 40, **given: Any
) -> None:
    """The sampled rows of an event on each day."""
    _add(world, (since, until), rows, {"type": "rows", **given})


def add_numbers(
    world: Any,
    log10_median: float,
    since: str = "2026-02-02",
    until: str = CUTOFF_ON,
    rows: int = 40,
    **given: Any,
) -> None:
    """Numbers around a size, within half a decade, on each day."""
    middle = 1000 + int(4 * log10_median // 1)
    places = {middle - 1: rows // 4, middle: rows // 2, middle + 1: rows // 4}
    persons = given.get("persons", range(20))
    _add(
        world,
        (since, until),
        rows,
        {"property": "amount", "type": "number", "log10_median": log10_median, **given},
        places,
        {place: min(n, len(persons)) for place, n in places.items()},
    )


def add_texts(
    world: Any,
    places: dict[int, int],
    since: str = "2026-02-02",
    until: str = CUTOFF_ON,
    **given: Any,
) -> None:
    """Texts with so many rows in each of the 16 places, on each day."""
    kind = {"property": "plan", "type": "string", **given}
    _add(world, (since, until), sum(places.values()), kind, places)


def read_amount(world: Any) -> Any:
    """The release, with a metric over the amount of orders."""
    role = type(world.release.roles[0])("order_amount", "diagnostic")
    return world.change(roles=(*world.release.roles, role))


def _add(  # noqa: PLR0917 - where, and the columns of a row
    world: Any,
    days: tuple[str, str],
    rows: int,
    given: dict[str, Any],
    places: dict[int, int] | None = None,
    place_persons: dict[int, int] | None = None,
) -> None:
    row = {
        "source": "web",
        "event_name": "order",
        "app_version": "1.0.0",
        "property": None,
        "log10_median": None,
        "name_count": 1,
        **given,
    }
    persons = row.pop("persons", range(20))
    share, more = divmod(rows, len(persons))
    groups = {person % 32: share + (nth < more) for nth, person in enumerate(persons)}
    by_person = _map({group: n for group, n in groups.items() if n})
    world.engine.execute(
        f"""
        insert into int_property_days by name
        select day::date as event_on, $source as source, $event_name as event_name,
            $app_version as app_version, $property as property, $type as type,
            {rows} as row_count, $name_count as name_count, $log10_median as log10_median,
            {_map(places)} as places, {_map(place_persons)} as place_persons,
            {by_person} as person_groups
        from range(date '{days[0]}', date '{days[1]}', interval 1 day) as days(day)
        """,
        row,
    )


def _map(counts: dict[int, int] | None) -> str:
    entries = ", ".join(f"{key}: {n}" for key, n in (counts or {}).items())
    return f"map {{{entries}}}" if entries else "null"
