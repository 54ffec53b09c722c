"""A release that assigned accounts: judged, measured and reported by account."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from landed.catalog.releases import EmitRule
from landed.impact.calendar import Calendar
from landed.report.html import render_html
from landed.report.markdown import render_markdown
from landed.report.text import render_text

CUTOFF_AT = datetime(2026, 3, 16, tzinfo=UTC)
CALENDAR = Calendar("checklist", CUTOFF_AT, CUTOFF_AT, CUTOFF_AT)

# 48 accounts of 4 to 9 units; in half of each arm's accounts everybody signs up
ACCOUNTS = """
create or replace table fct_exposures as
select 'checklist' as release, format('a{:02d}u{:d}', a, u) as unit_id,
    if(a % 2 = 0, 'control', 'checklist') as variant,
    timestamp '2026-03-03' + to_hours(a) as exposed_at,
    false as is_crossover, false as is_bot,
    format('a{:02d}', a) as cluster_id, false as is_in_two_clusters,
    '1.0' as first_app_version, 'DE' as country, 'web' as platform, 'free' as plan,
    1 as exposure_count
from range(48) as accounts(a), range(9) as units(u)
where u < 4 + a % 6;

create or replace table int_assigned_units as select release, unit_id, variant from fct_exposures;
create or replace table int_exposure_events as
select release, unit_id, variant, exposed_at from fct_exposures;
create or replace table int_labels as
select release, unit_id, variant, exposed_at as labelled_at from fct_exposures;
create or replace table agg_unit_days as
select unit_id, cast(exposed_at as date) - 1 - n::integer as event_on, 3 as event_count
from fct_exposures, range(2) as days(n);
create or replace table dim_units as
select unit_id, false as is_bot, 'team' as plan, timestamp '2026-03-01' as first_seen_at,
    timestamp '2026-03-17' as last_seen_at
from fct_exposures;

delete from fct_events;
insert into fct_events
select row_number() over () as event_id, * from (
    select 'checklist_shown' as event_name, unit_id, exposed_at + interval 1 minute as occurred_at
    from fct_exposures
    union all
    select 'signup', unit_id, exposed_at + interval 1 hour
    from fct_exposures where cluster_id[2:]::integer % 4 < 2
    union all
    select 'view', 'a00u0', timestamp '2026-03-17 12:00'
);

create or replace table fct_views as
select row_number() over () as view_id, unit_id,
    10.0 + cluster_id[2:]::double + unit_id[5:]::double as seconds,
    exposed_at + interval 1 hour as viewed_at
from fct_exposures;
"""


@pytest.fixture
def by_account(world):
    world.run(ACCOUNTS)
    return world.change(cluster="account_id")


def test_a_release_by_account_counts_accounts_and_not_their_units(by_account):
    made = by_account.assess(CALENDAR)

    rate, seconds = made.report.document["estimates"]
    assert rate["status"] == seconds["status"] == "estimated"
    assert rate["method"] == seconds["method"] == "difference_of_clusters"
    assert (rate["n_control"], rate["n_treatment"]) == (144, 168)
    assert (rate["clusters"]["n_control"], rate["clusters"]["n_treatment"]) == (24, 24)
    # all units of an account do alike: a unit tells nothing beside the first of its account
    assert rate["clusters"]["intracluster_correlation"] == pytest.approx(1, abs=0.1)
    assert rate["clusters"]["design_effect"] > 5
    looks = {key: looks[0] for key, looks in made.looks.taken.items()}
    look = looks["signup_rate", "checklist"]
    assert look.clusters == (24, 24)
    assert (look.n_control, look.n_treatment) == (144, 168)
    assert look.information == pytest.approx(rate["standard_error"] ** -2)


def test_the_report_of_a_release_by_account_shows_accounts_and_what_they_cost(by_account):
    report = by_account.assess(CALENDAR).report

    assert report.document["exposure"]["clusters"] == {
        "property": "account_id",
        "counts": {"control": 24, "checklist": 24},
        "crossover": 0,
    }
    assert report.document["exposure"]["sample_ratio_p_value"] == 1.0
    assert "Assigned by account_id: control 24, checklist 24." in " ".join(
        render_text(report.document).split()
    )
    assert "Design effect" in render_markdown(report.document)
    assert "Design effect" in render_html(report.document)


def test_the_split_of_accounts_is_judged_and_not_that_of_units(by_account, result_of):
    # one account of control has as many units as all others together
    by_account.run(
        "insert into fct_exposures by name"
        " select 'checklist' as release, format('big{:d}', i) as unit_id, 'control' as variant,"
        " timestamp '2026-03-03' as exposed_at, false as is_crossover, false as is_bot,"
        " 'a00' as cluster_id, false as is_in_two_clusters from range(300) as t(i)"
    )

    check = result_of(by_account.data(), "sample_ratio")

    assert check.passed
    assert check.observed.startswith("clusters: control 24 of 48 (50 %)")
    assert result_of(by_account.change(cluster=None).data(), "sample_ratio").blocks


def test_an_account_with_units_in_both_variants_is_left_out_and_more_of_them_block(
    by_account, result_of
):
    by_account.run("update fct_exposures set variant = 'checklist' where unit_id = 'a00u0'")

    made = by_account.assess(CALENDAR)

    check = result_of(made.decision, "crossover_share")
    assert not check.passed
    assert not check.blocks  # one in 48 may be an accident
    assert check.observed == "1 of 48 clusters hold units of more than one variant (2.08 %)"
    exposure = made.report.document["exposure"]
    assert exposure["clusters"]["crossover"] == 1
    assert exposure["excluded_units"]["crossover_cluster"] == 4
    assert exposure["counts"] == {"control": 140, "checklist": 168}

    by_account.run("update fct_exposures set variant = 'checklist' where unit_id like 'a1%u0'")
    assert result_of(by_account.data(), "crossover_share").blocks


def test_units_without_an_account_and_in_two_are_left_out_counted_and_refused(
    by_account, result_of
):
    by_account.run("update fct_exposures set cluster_id = null where unit_id = 'a02u0'")
    by_account.run("update fct_exposures set is_in_two_clusters = true where unit_id = 'a03u0'")

    made = by_account.assess(CALENDAR)

    assert [check.observed for check in made.decision.failed] == []
    rate = made.report.document["estimates"][0]
    assert (rate["n_control"], rate["n_treatment"]) == (143, 167)
    excluded = made.report.document["exposure"]["excluded_units"]
    assert (excluded["without_cluster"], excluded["two_clusters"]) == (1, 1)
    assert result_of(made.decision, "independent_recount").passed

    by_account.run("update fct_exposures set cluster_id = null where unit_id like '%u1'")
    check = result_of(by_account.data(), "cluster_membership")
    assert check.blocks
    assert check.observed.startswith("of 312 exposed units 49 name no `account_id` and 1 name")


def test_too_few_accounts_are_not_estimable_and_the_reason_says_what_to_do(by_account):
    for table, key in (("fct_exposures", "unit_id"), ("int_assigned_units", "unit_id")):
        by_account.run(f"delete from {table} where {key} >= 'a39'")

    made = by_account.assess(CALENDAR)

    rate = made.report.document["estimates"][0]
    assert rate["status"] == "not_estimable"
    assert rate["reason"] == (
        "treatment has 19 clusters, at least 20 are needed: assign more clusters, or assign each"
        " unit on its own"
    )
    assert made.verdict.decision == "not_estimable"


@pytest.mark.parametrize(
    ("first", "later", "says"),
    [
        (None, "account_id", "units were assigned as of the first look, and clusters by"),
        ("account_id", None, "clusters by `account_id` were assigned as of the first look, and"),
        ("account_id", "region", "clusters by `account_id` were assigned as of the first look"),
    ],
)
def test_what_is_assigned_cannot_change_after_a_look(by_account, first, later, says):
    before = by_account.change(cluster=first).assess(CALENDAR)
    assert before.estimates[0].status == "estimated"

    made = by_account.change(cluster=later).assess(CALENDAR, looks=lambda: before.looks)

    assert [one.status for one in made.estimates] == ["not_estimable"] * 2
    assert made.estimates[0].absolute_effect is None
    assert made.estimates[0].reason.startswith(says)
    caveats = {one["code"]: one["text"] for one in made.report.document["caveats"]}
    assert "what is assigned as a whole" in caveats["plan_changed"]


# more units of each account, which came with its first
MORE_UNITS = """
insert into fct_exposures by name
select 'checklist' as release, format('more{:d}_{:d}', a, u) as unit_id,
    if(a % 2 = 0, 'control', 'checklist') as variant,
    timestamp '2026-03-03' + to_hours(a) as exposed_at, false as is_crossover, false as is_bot,
    format('a{:02d}', a) as cluster_id, false as is_in_two_clusters, 'DE' as country
from range(48) as accounts(a), range(UNITS) as units(u)
"""


def test_a_large_account_does_not_change_the_allocation_of_its_day(by_account, result_of):
    by_account.run(
        "insert into fct_exposures by name"
        " select 'checklist' as release, format('big{:d}', i) as unit_id, 'control' as variant,"
        " timestamp '2026-03-03' as exposed_at, false as is_crossover, false as is_bot,"
        " 'a00' as cluster_id, false as is_in_two_clusters from range(300) as t(i)"
    )

    decision = by_account.data()

    assert result_of(decision, "allocation_change").passed
    assert result_of(decision, "sample_ratio_slices").passed
    assert result_of(by_account.change(cluster=None).data(), "allocation_change").blocks


LOST_BY_ACCOUNT = """
insert into int_telemetry_days
select unit_id, cast(exposed_at as date), 'sequence', 20, if(ACCOUNT, 2, 20) from fct_exposures
"""


def test_one_account_behind_a_bad_line_is_no_loss_of_its_arm(by_account, result_of):
    by_account.run(MORE_UNITS.replace("UNITS", "10"))
    by_account.run(
        # enough accounts for a comparison: 100 of one unit in each arm
        "insert into fct_exposures by name"
        " select 'checklist' as release, format('one{:d}', i) as unit_id,"
        " if(i % 2 = 0, 'control', 'checklist') as variant, timestamp '2026-03-04' as exposed_at,"
        " false as is_crossover, false as is_bot, format('c{:d}', i) as cluster_id,"
        " false as is_in_two_clusters from range(200) as t(i)"
    )
    by_account.run(LOST_BY_ACCOUNT.replace("ACCOUNT", "cluster_id = 'a00'"))

    assert result_of(by_account.data(), "telemetry_loss").passed
    assert result_of(by_account.change(cluster=None).data(), "telemetry_loss").blocks


def test_an_arm_of_which_many_accounts_lose_telemetry_blocks(by_account, result_of):
    by_account.run(MORE_UNITS.replace("UNITS", "3"))
    by_account.run(
        "update fct_exposures set cluster_id = unit_id[:3]"
        " || if(unit_id like 'more%', unit_id[4:], unit_id[2:])"
    )
    by_account.run(LOST_BY_ACCOUNT.replace("ACCOUNT", "variant = 'control'"))

    assert result_of(by_account.data(), "telemetry_loss").blocks


def test_accounts_of_one_country_are_no_imbalance_of_the_arms(by_account, result_of):
    by_account.run(MORE_UNITS.replace("UNITS", "30"))
    by_account.run("update fct_exposures set country = 'FR' where cluster_id in ('a00', 'a02')")
    by_account.run(
        "insert into dim_units by name select unit_id, false as is_bot,"
        " timestamp '2026-03-01' as first_seen_at from fct_exposures where unit_id like 'more%'"
    )

    decision = by_account.data()

    assert decision.skipped["pre_exposure_balance"] == "fewer than 1,000 clusters were exposed"
    assert result_of(by_account.change(cluster=None).data(), "pre_exposure_balance").blocks


def test_accounts_of_which_one_arm_has_another_kind_block(by_account, result_of):
    by_account.run(
        "insert into fct_exposures by name"
        " select 'checklist' as release, format('k{:d}_{:d}', a, u) as unit_id,"
        " if(a % 2 = 0, 'control', 'checklist') as variant, timestamp '2026-03-04' as exposed_at,"
        " false as is_crossover, false as is_bot, format('k{:d}', a) as cluster_id,"
        " false as is_in_two_clusters, if(hash(a) % 100 < 20 + 30 * (a % 2), 'FR', 'DE') as country"
        " from range(1200) as accounts(a), range(2) as units(u)"
    )
    by_account.run(
        "insert into dim_units by name select unit_id, false as is_bot,"
        " timestamp '2026-03-01' as first_seen_at from fct_exposures where unit_id like 'k%'"
    )

    check = result_of(by_account.data(), "pre_exposure_balance")

    assert check.blocks
    assert "country FR (+0." in check.observed or "country DE (-0." in check.observed


LABELLED = """
insert into int_labels select 'checklist', format('q{:d}', i),
    if(i % 2 = 0, 'control', 'checklist'), timestamp '2026-03-03 08:00' from range(1000) t(i);
insert into dim_units by name
select format('q{:d}', i) as unit_id, false as is_bot from range(1000) t(i);
insert into fct_exposures by name
select 'checklist' as release, format('q{:d}', i) as unit_id,
    if(i % 2 = 0, 'control', 'checklist') as variant, timestamp '2026-03-03 09:00' as exposed_at,
    false as is_crossover, false as is_bot, format('q{:d}', i // 50 * 2 + i % 2) as cluster_id,
    false as is_in_two_clusters
from range(1000) t(i) where i % 2 = 1 or i >= 100
"""


def test_one_account_whose_exposures_are_missing_is_a_warning(by_account, result_of):
    by_account.run(LABELLED)

    check = result_of(by_account.data(), "exposure_logging")

    assert (check.severity, check.passed) == ("warning", False)
    assert check.observed.endswith(", as if units of one `account_id` were independent")
    assert result_of(by_account.change(cluster=None).data(), "exposure_logging").blocks


def test_accounts_whose_units_do_what_the_other_arm_did_before_are_a_warning(by_account, result_of):
    by_account.run(
        "insert into fct_exposures by name"
        " select 'checklist' as release, format('s{:d}', i) as unit_id,"
        " if(i % 2 = 0, 'control', 'checklist') as variant,"
        " timestamp '2026-03-06 09:00' as exposed_at, false as is_crossover, false as is_bot,"
        " format('s{:d}', i % 2) as cluster_id, false as is_in_two_clusters from range(200) t(i)"
    )
    by_account.run(
        "insert into fct_events (event_id, event_name, unit_id, occurred_at)"
        " select 9000 + row_number() over (), 'checklist_shown', unit_id, exposed_at"
        " from fct_exposures where cluster_id = 's0'"
    )
    by_account.run(
        "delete from fct_events where event_name = 'checklist_shown'"
        " and unit_id in (select unit_id from fct_exposures where variant = 'control')"
        " and unit_id not like 's%'"
    )

    check = result_of(by_account.data(), "variants_swapped")

    assert (check.severity, check.passed) == ("warning", False)
    assert result_of(by_account.change(cluster=None).data(), "variants_swapped").blocks


#: Sixty accounts of control and fifteen of treatment; of control SENDERS of them send the event.
ABSENT = """
insert into fct_exposures by name
select 'checklist' as release, format('p{:d}_{:d}', a, u) as unit_id,
    if(a < 60, 'control', 'checklist') as variant, timestamp '2026-03-04' as exposed_at,
    false as is_crossover, false as is_bot, format('p{:d}', a) as cluster_id,
    false as is_in_two_clusters
from range(75) as accounts(a), range(20) as units(u);
delete from fct_events where event_name = 'checklist_shown';
insert into fct_events (event_id, event_name, unit_id, occurred_at)
select 9000 + row_number() over (), 'checklist_shown', unit_id, exposed_at
from fct_exposures where cluster_id[1] = 'p' and cluster_id[2:]::integer < SENDERS
"""


def test_an_event_that_few_accounts_send_may_be_absent_from_the_other_arm(by_account, result_of):
    by_account.run(ABSENT.replace("SENDERS", "5"))
    by_account.change(emit_rules={"checklist_shown": EmitRule(in_control=True)})

    check = result_of(by_account.data(), "must_emit")

    assert (check.severity, check.passed) == ("warning", False)
    assert check.observed.startswith("not seen yet, of too few units to tell: `checklist_shown in")
    assert result_of(by_account.change(cluster=None).data(), "must_emit").blocks


def test_an_event_that_many_accounts_send_is_missing_in_the_other_arm(by_account, result_of):
    by_account.run(ABSENT.replace("SENDERS", "60"))
    by_account.change(emit_rules={"checklist_shown": EmitRule(in_control=True)})

    assert result_of(by_account.data(), "must_emit").blocks
