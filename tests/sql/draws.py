"""Random histories of one product: what arrives, late and out of order, and what is taken out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lake_rows import FLAG, Built, Event, at, event

START = at("2026-11-01")
DAYS = 6
PEOPLE = [f"user{number}" for number in range(7)]
DEVICES = [f"device{number}" for number in range(7)]


@dataclass
class History:
    """What the lake of one draw holds, and the steps that bring it there.

    Args:
        draw: The draw's random numbers.
        built: Where the rows go.
        events: Rows of the lake, by id.
    """

    draw: random.Random
    built: Built
    events: dict[str, Event] = field(default_factory=dict)
    count: int = 0

    def begin(self) -> None:
        """A first delivery, and the releases."""
        self._releases(self.draw.randrange(3))
        self._deliver(range(3), 60)

    def step(self) -> None:
        """One more delivery: a new day, rows of days before, rows taken out, another rule."""
        self.built.execute("delete from lake.touched_days")
        if self.draw.random() < 0.8:
            self._deliver(range(2, DAYS), 25)
        if self.draw.random() < 0.5:
            self._deliver(range(DAYS), 4)
        if self.draw.random() < 0.6:
            self._take_out()
        if self.draw.random() < 0.3:
            self._releases(self.draw.randrange(3))
        if self.draw.random() < 0.5:
            self._records()

    def _deliver(self, days: range, most: int) -> None:
        arrived = [self._event(days) for _ in range(self.draw.randrange(1, most))]
        self.events |= {one.event_id: one for one in arrived}
        self.built.add(arrived)

    def _event(self, days: range) -> Event:
        draw, self.count = self.draw, self.count + 1
        # a few hours a day, so that sessions run over midnight
        minutes = draw.choice(days) * 1440 + draw.choice([0, 1420, 1430]) + draw.randrange(40)
        moment = (START + timedelta(minutes=minutes)).isoformat(sep=" ")
        person = draw.randrange(len(PEOPLE))
        device = DEVICES[person if draw.random() < 0.93 else draw.randrange(len(DEVICES))]
        kind = draw.random()
        if kind < 0.03:
            # of a known user, of a device, or of nobody that anything else is known of
            earlier = draw.choice([*PEOPLE, *DEVICES, "ghost"])
            name, user, anonymous = draw.choice(["alias", "$merge"]), PEOPLE[person], earlier
        else:
            name = draw.choice(["view", "open", "error", "signed_up", FLAG])
            user = PEOPLE[person] if draw.random() < 0.25 else None
            anonymous = device if user is None or draw.random() < 0.7 else None
            if kind > 0.97:
                user = anonymous = None
        return event(
            f"e{self.count}",
            moment,
            name=name,
            user=user,
            anonymous=anonymous,
            session=f"s{draw.randrange(3)}" if draw.random() < 0.1 else None,
            version=draw.choice(["1.0", "2.0", None]),
            clock=draw.choice([None, None, "ahead", "corrected"]),
            properties=self._properties(),
        )

    def _properties(self) -> dict[str, object]:
        draw = self.draw
        found: dict[str, object] = {}
        for name, values in {
            "plan": ["free", "pro"],
            "country": ["de", "fr"],
            "platform": ["web", "ios"],
            "group": ["a", "b", "c"],
            "team": ["red", "blue"],
            "feature_flag.key": ["box", "box", "other"],
            "feature_flag.variant": ["small", "big"],
        }.items():
            if draw.random() < 0.3:
                found[name] = draw.choice(values)
        if draw.random() < 0.01:
            found["is_bot"] = True
        return found

    def _take_out(self) -> None:
        """Rows of one person, of one day, or a few of any; their days are touched."""
        draw, kind = self.draw, self.draw.random()
        person = draw.choice([*PEOPLE, *DEVICES])
        day = (START + timedelta(days=draw.randrange(DAYS))).date()
        lost = [
            one
            for one in self.events.values()
            if (kind < 0.3 and person in (one.user, one.anonymous))
            or (0.3 <= kind < 0.5 and datetime.fromisoformat(one.at).date() == day)
            or (kind >= 0.5 and draw.random() < 0.03)
        ]
        for one in lost:
            del self.events[one.event_id]
        self.built.remove(lost)

    def _releases(self, version: int) -> None:
        """Another rule of exposure in each version; in the last one a release is gone."""
        shipped = ["2026-11-02", "2026-11-02 12:00", "2026-11-03"][version]
        self.built.execute("delete from lake.releases")
        rows = [
            ("box", "experiment", None, FLAG, "box", None, "small", ["small", "big"]),
            ("page", "experiment", None, "view", None, "group", "a", ["a", "b"]),
            ("all", "everyone", None, None, None, None, None, ["released"]),
            ("two", "version", "2.0", None, None, None, None, ["released"]),
        ]
        for name, kind, app, named, flag, label, control, variants in rows[: 4 - version // 2]:
            self.built.execute(
                "insert into lake.releases values (?, ?, 'growth', 'h', 'user', ?, ?, ?, ?, ?, ?,"
                " ?, ?, ?, '2026-11-06', null, '2026-11-06')",
                [
                    name,
                    shipped,
                    kind,
                    app,
                    named,
                    flag,
                    label,
                    "team",
                    control,
                    variants[1:],
                    variants,
                ],
            )

    def _team(self) -> str:
        """Properties of an exposure: of one team, of another, of none."""
        return self.draw.choice(['{"team": "red"}', '{"team": "blue"}', "{}"])

    def _records(self) -> None:
        """Exposure records and feedback come, and some go."""
        for number in range(self.draw.randrange(1, 4)):
            self.count += 1
            when = START + timedelta(minutes=self.draw.randrange(DAYS * 1440))
            who = self.draw.choice([[self.draw.choice(PEOPLE), None], [None, "device1"]])
            variant, day = self.draw.choice(["small", "big"]), when.date()
            self.built.execute(
                "insert into lake.exposures values (?, ?, 'box', ?, ?, ?, ?, 'crm', 'b', 1, ?)",
                [f"x{self.count}", when, variant, *who, self._team(), day],
            )
            self.built.execute(
                "insert into lake.feedback values (?, ?, ?, 'review', ?, 'hm', null, '{}',"
                " 'store', 'b', 1, ?)",
                [f"w{self.count}", when, who[0], number, day],
            )
            self.built.execute(
                "insert into lake.touched_days values (?, 'exposures'), (?, 'feedback')",
                [day, day],
            )
        for kind, column in (("exposures", "exposed_on"), ("feedback", "given_on")):
            gone = self.built.rows(
                f"select day from (select distinct {column} as day from lake.{kind}) order by day"
            )
            if gone and self.draw.random() < 0.3:
                day = self.draw.choice(gone)[0]
                self.built.execute(f"delete from lake.{kind} where {column} = ?", [day])
                self.built.execute("insert into lake.touched_days values (?, ?)", [day, kind])


ALIASES = ("alias", "$create_alias", "$identify", "$merge", "$merge_dangerously")


def units(events: dict[str, Event]) -> Iterator[tuple[str, str | None]]:
    """Whose each event is, by the rules and nothing else: id and unit."""
    users = {one.user for one in events.values() if one.user}
    linked: dict[str, set[str]] = {}
    for one in events.values():
        if one.name in ALIASES and one.user and one.anonymous in users - {one.user}:
            linked.setdefault(one.user, set()).add(one.anonymous)
            linked.setdefault(one.anonymous, set()).add(one.user)

    def person(user: str) -> str:
        found, waiting = {user}, [user]
        while waiting:
            new = linked.get(waiting.pop(), set()) - found
            found |= new
            waiting.extend(new)
        return min(found)

    seen: dict[str, set[str]] = {user: {person(user)} for user in linked}
    for one in events.values():
        if one.user and one.anonymous:
            seen.setdefault(one.anonymous, set()).add(person(one.user))
    for one in events.values():
        if one.user:
            yield one.event_id, person(one.user)
        else:
            persons = seen.get(one.anonymous or "", set())
            yield one.event_id, persons.copy().pop() if len(persons) == 1 else one.anonymous
