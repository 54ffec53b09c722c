"""Sign-ups of two sources: some of the web's come from the server, as when an event moves."""

from __future__ import annotations

from typing import Any

_MOVED = """
create table old_events as from fct_events;
drop table fct_events cascade;
create table fct_events as
select * replace (if(event_name = 'signup' and {server}, 'server', 'web') as source)
from old_events where event_name <> 'signup' or {kept};
create or replace view lake.events as select source, occurred_at from fct_events;
"""


def move_signups(world: Any, server: str, kept: str = "true") -> Any:
    """Let the server send the sign-ups of a condition, and lose those outside another."""
    return world.run(_MOVED.format(server=server, kept=kept))
