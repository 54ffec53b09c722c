"""Faults of the data on their way: late, lost, doubled, shifted, refused."""

from __future__ import annotations

from .case import Case
from .kinds import Kind, edit, some
from .product import FLAG, NOW, RELEASE, USUAL

MIDWAY = "timestamp '2026-10-15'"
_LATENCY = "regexp_extract(properties, '\"latency_ms\":([0-9.]+)', 1)"
_AGAIN = "insert into lake.events select * replace ({}) from lake.events where {}"


def _accounts(**changed: float) -> object:
    """Shares of the source's rows that went into another account; rows in stay as they were."""

    def plant(case: Case) -> None:
        account = case.accounts[0]
        for name, share in changed.items():
            setattr(account, name, round(share * account.rows_in))
            account.accepted -= round(share * account.rows_in)

    return plant


def _one_row_short(case: Case) -> None:
    case.accounts[0].accepted -= 1


def _duplicates(case: Case) -> None:
    case.accounts[0].rows_in += 3_000
    case.accounts[0].duplicate += 3_000


def _machines(arm: str) -> str:
    """A thousand that load the first screen once, within the same hour, and no more."""
    return f"""
        with machines as (
            select
                number,
                {arm} as arm,
                timestamp '2026-10-14 10:00' + to_milliseconds(number * 3500) as started_at
            from range(1000) as machines(number)
        ),
        steps as (
            select * from (values (0, 'session_started', 0), (1, 'start_shown', 900),
                (2, 'feature_flag.evaluation', 950), (3, 'guide_shown', 1000))
            as steps(step, event_name, after_ms)
        )
        insert into lake.events by name
        select
            format('m-{{{{:d}}}}-{{{{:d}}}}', number, step) as event_id,
            event_name,
            started_at + to_milliseconds(after_ms) as occurred_at,
            occurred_at + interval 1 second as received_at,
            format('m-{{{{:d}}}}', number) as user_id,
            user_id as anonymous_id,
            user_id as session_id,
            '2.2.0' as app_version,
            json_object('sequence', step + 1, 'platform', 'web', 'country', 'US', 'plan', 'free',
                'feature_flag.key', '{FLAG}', 'feature_flag.result.variant', arm) as properties,
            'app' as source,
            'b' as batch_id,
            hash(event_id) as event_hash,
            date '2026-10-14' as event_on
        from machines cross join steps
        where event_name <> 'guide_shown' or arm = 'guide'"""


DATA = (
    Kind("stale_source", "nothing from the last 40 hours", ("freshness",),
         edit(f"delete from lake.events where received_at >= timestamp '{NOW:%Y-%m-%d %H:%M}'"
              " - interval 40 hour")),
    # a day of 1,300 events is 0.99 of its usual +- 0.055: of 40 % +- 2.6 % that are left, 99.99 %
    # lie below the half that blocks; were 55 % lost, 97 %
    Kind("late", "60 % of the events not arrived since 60 hours", ("volume",),
         edit(f"delete from lake.events where received_at >= timestamp '{NOW:%Y-%m-%d %H:%M}'"
              " - interval 60 hour and " + some(0.6, "event_id"))),
    Kind("duplicated_same_id", "3,000 lines delivered twice under their ids", (), _duplicates,
         means="same"),
    Kind("duplicated_new_id", "every tenth event twice since midway, under new ids",
         ("copied_events",),
         edit(_AGAIN.format(
             "event_id || '-2' as event_id",
             f"occurred_at >= {MIDWAY} and " + some(0.1, "event_id")))),
    Kind("client_cache_replay", "8 % of people replay two days, five days later, under new ids",
         ("copied_events",),
         edit(_AGAIN.format(
             "event_id || '-r' as event_id, received_at + interval 5 day as received_at",
             "event_on between date '2026-10-14' and date '2026-10-15' and " + some(0.08)))),
    Kind("time_zone_shift", "phones write local time, seven hours behind, since midway",
         ("local_times",),
         edit("update lake.events set occurred_at = occurred_at - interval 7 hour,"
              " event_on = cast(occurred_at - interval 7 hour as date)"
              f" where occurred_at >= {MIDWAY} + interval 7 hour"
              " and properties not like '%\"platform\":\"web\"%'"), means="warn"),
    # 6.8 % +- 0.5 % of the events, against 5 %: 99.97 % of draws; of 7 % of people, 97 %
    Kind("future_timestamps", "clocks of 8 % of people are three days ahead", ("clock_skew",),
         edit("update lake.events set occurred_at = occurred_at + interval 3 day,"
              " event_on = event_on + 3, clock_status = 'ahead'"
              " where occurred_at < timestamp '2026-10-28' and "
              + some(0.08)), means="warn"),
    Kind("zero_volume_day", "one day without an event", ("volume",),
         edit("delete from lake.events where event_on = date '2026-10-21'")),
    # as of `late`
    Kind("half_volume_weekday", "60 % of one Monday's events lost", ("volume",),
         edit("delete from lake.events where event_on = date '2026-10-26' and "
              + some(0.6, "event_id"))),
    Kind("partial_backfill", "two days filled again to 40 %", ("volume",),
         edit("delete from lake.events where event_on between date '2026-10-12' and"
              " date '2026-10-13' and " + some(0.6, "event_id"))),
    Kind(
        "quarantine", "6 % of the rows refused", ("quarantine_rate",), _accounts(quarantined=0.06)
    ),
    Kind("accounting_imbalance", "one row neither kept nor refused", ("row_accounting",),
         _one_row_short),
    Kind("conflict_rows", "4 % of the rows under the id of another row",
         ("row_conflicts",), _accounts(conflict=0.04)),
    Kind("unit_change_ms_s", "latency in seconds instead of milliseconds since midway",
         ("unit_change",),
         edit(f"update lake.events set properties = replace(properties, {_LATENCY},"
              f" cast(cast({_LATENCY} as double) / 1000 as varchar)) where"
              f" event_name = 'request_served' and occurred_at >= {MIDWAY}")),
    Kind("unit_change_cents", "amounts in cents instead of dollars since midway", ("unit_change",),
         edit("""update lake.events set properties = regexp_replace(properties,
             '"amount_usd":([0-9]+)\\.0', '"amount_usd":\\1' || '00.0')"""
              f" where event_name = 'payment_succeeded' and occurred_at >= {MIDWAY}"),
         people=USUAL),
    Kind("bot_burst", "1,000 undeclared machines within an hour, all in the treatment",
         ("exposure_burst",), edit(_machines("'guide'")), people=USUAL),
    Kind("bot_burst_both_arms", "1,000 undeclared machines within an hour, in both arms alike",
         ("exposure_burst",),
         edit(_machines("case when hash(number, {seed}) % 2 = 0 then 'guide' else 'control' end")),
         people=USUAL),
)  # fmt: skip


def _expired(case: Case) -> None:
    from datetime import timedelta

    from landed.catalog.releases import Exemption

    from .case import replace

    lapsed = Exemption("freshness", "the loader is repaired", "data", NOW - timedelta(days=1))
    case.release = replace(case.release, exemptions=(lapsed,))


def _damaged(case: Case) -> None:
    from landed.errors import WarehouseError

    def read() -> None:
        raise WarehouseError(f"looks/{RELEASE}.json is no JSON")

    case.looks = read


STATE = (
    Kind("looks_file_damaged", "the file of the looks taken cannot be read", ("gate_error",),
         after=_damaged),
    Kind("expired_exemption", "an exemption that ran out yesterday", ("exemption_expired",),
         after=_expired),
    Kind("failing_model_test", "one search without a unit", ("model_tests",),
         after=edit("update main.fct_searches set unit_id = null where search_id ="
                    " (select min(search_id) from main.fct_searches)"), tested=True),
    Kind("missing_mart_rows", "the mart of the success metric is empty", ("outcome_rows",),
         after=edit("delete from main.fct_searches")),
    Kind("events_doubled_by_a_build", "a hundred events stand in the mart twice", ("model_tests",),
         after=edit("insert into main.fct_events select * from main.fct_events limit 100"),
         tested=True),
    Kind("mart_rows_doubled", "every row of one mart twice", ("model_tests",),
         after=edit("insert into main.fct_searches select * from main.fct_searches"), tested=True),
)  # fmt: skip
