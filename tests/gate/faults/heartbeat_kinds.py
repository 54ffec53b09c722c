"""A fault of telemetry: heartbeats that are lost in one arm.

The product sends none, as they would make half of its rows. Here its clients send one every ten
minutes of a visit, and `[telemetry]` declares them: `heartbeat = "heartbeat"`,
`heartbeat_seconds = 600`.
"""

from __future__ import annotations

from dataclasses import replace

from .case import Case
from .kinds import Kind, Plant, edit, some
from .models import Compiled, Model

_BEATS = """
    with visits as (
        select session_id, min(occurred_at) as started_at, max(occurred_at) as ended_at
        from lake.events group by session_id
    ),
    beats as (
        select session_id, started_at + to_seconds(600 * beat) as beat_at
        from visits, range(1, 13) as beats(beat)
        where beat_at <= ended_at
    )
    insert into lake.events by name
    select started.* replace (
        'beat-' || session_id || '-' || beat_at as event_id, 'heartbeat' as event_name,
        beat_at as occurred_at, beat_at + interval 1 second as received_at,
        cast(beat_at as date) as event_on, hash(session_id, beat_at) as event_hash,
        json_object('platform', started.properties ->> 'platform') as properties)
    from beats inner join lake.events as started using (session_id)
    where started.event_name = 'session_started'"""


def _declared(made: Compiled) -> Compiled:
    """The models as dbt compiles them where the heartbeats are declared."""
    edits = (
        ("event_name = ''", "event_name = 'heartbeat'"),
        ("/ 60\n", "/ 600\n"),
        ("where false", "where beats_expected > 0"),
    )

    def with_heartbeat(model: Model) -> Model:
        sql = model.sql
        for old, new in edits:
            assert sql.count(old) == 1, old
            sql = sql.replace(old, new)
        return replace(model, sql=sql)

    return replace(
        made,
        models=tuple(
            with_heartbeat(model) if model.name == "int_telemetry_days" else model
            for model in made.models
        ),
    )


def _with_heartbeats(lost: str) -> Plant:
    plant = edit(_BEATS, f"delete from lake.events where event_name = 'heartbeat' and {lost}")

    def beating(case: Case) -> None:
        case.made = _declared(case.made)
        plant(case)

    return beating


HEARTBEATS = (
    Kind("heartbeat_loss_in_one_arm", "5 % of the treatment's heartbeats lost",
         ("telemetry_loss",),
         _with_heartbeats("user_id in (select user_id from truth where is_treated) and"
                          f" occurred_at >= timestamp '2026-10-01' and {some(0.05, 'event_id')}"),
         is_statistical=True),
)  # fmt: skip
