"""A release file is one declared change; what a schema cannot say is checked here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from landed.catalog.release_designs import PlaceboWindows
from landed.catalog.releases import load_releases, read_release
from landed.errors import ContractError, Fault

GOOD = """\
release: new-button
shipped_at: 2026-09-05T00:00:00+02:00
owner: growth
rollout:
  kind: experiment
  exposure: {event: feature_flag.evaluation, flag: new_button}
  control: control
  treatments: [blue]
  allocation: {control: 0.5, blue: 0.5}
horizon: {exposure_ends_at: 2026-09-19T00:00:00Z, looks: once}
success: [{metric: signups, minimum_effect_of_interest: 0.02}]
guardrails: [{metric: refunds, non_inferiority_margin: 0.01, relative: true}]
diagnostics: [sessions]
"""


def write(folder: Path, text: str, name: str = "new-button") -> Path:
    path = folder / f"{name}.yml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ContractError) as caught:
        read_release(path)
    return [fault.what for fault in caught.value.faults]


def test_a_release_is_read_with_instants_in_utc(tmp_path: Path) -> None:
    release = read_release(write(tmp_path, GOOD))

    assert release.shipped_at == datetime(2026, 9, 4, 22, tzinfo=UTC)
    assert release.variants == ("control", "blue")
    assert [(role.metric, role.role) for role in release.roles] == [
        ("signups", "success"),
        ("refunds", "guardrail"),
        ("sessions", "diagnostic"),
    ]
    assert release.with_role("guardrail")[0].relative
    assert release.has_concurrent_control


def test_a_release_is_adjusted_unless_it_says_none(tmp_path: Path) -> None:
    assert read_release(write(tmp_path, GOOD)).adjustment == "pre_period"
    assert read_release(write(tmp_path, GOOD + "adjustment: none\n")).adjustment == "none"
    assert faults_of(write(tmp_path, GOOD + "adjustment: some\n")) != []


def test_the_verdict_is_due_after_the_longest_window(tmp_path: Path) -> None:
    release = read_release(write(tmp_path, GOOD))

    assert release.decides_at([7.0, None, 2.0]) == datetime(2026, 9, 26, tzinfo=UTC)


def test_all_contradictions_are_told_at_once(tmp_path: Path) -> None:
    text = (
        GOOD.replace("release: new-button", "release: other")
        .replace("{control: 0.5, blue: 0.5}", "{control: 0.5, green: 0.4}")
        .replace("exposure_ends_at: 2026-09-19", "exposure_ends_at: 2026-08-19")
        .replace("metric: refunds", "metric: signups")
        .replace(", flag: new_button", "")
    )

    assert faults_of(write(tmp_path, text)) == [
        "release is `other`",
        "exposure by feature_flag.evaluation names no flag",
        "allocation names control, green",
        "allocation sums to 0.9",
        "exposure_ends_at is 2026-08-19T00:00:00Z",
        "the metric `signups` plays two roles",
    ]


def test_an_experiment_without_control_or_horizon_is_refused(tmp_path: Path) -> None:
    text = "\n".join(
        line for line in GOOD.splitlines() if "control" not in line and "horizon" not in line
    )

    assert faults_of(write(tmp_path, text)) == [
        "rollout lacks control",
        "rollout lacks allocation",
        "no horizon",
    ]


def test_a_release_to_everyone_needs_no_control(tmp_path: Path) -> None:
    text = (
        "release: dark\nshipped_at: 2026-09-05T00:00:00Z\nowner: x\n"
        "rollout: {kind: everyone}\nsuccess: [{metric: signups}]\n"
    )

    release = read_release(write(tmp_path, text, "dark"))

    assert release.variants == ("released",)
    assert not release.has_concurrent_control
    assert release.decides_at([7]) == datetime(2026, 9, 19, tzinfo=UTC)  # 14 whole days


@pytest.mark.parametrize(
    ("horizon", "due"),
    [
        ("horizon: {exposure_ends_at: 2026-10-10T00:00:00Z}\n", datetime(2026, 10, 10, tzinfo=UTC)),
        ("", None),
    ],
)
def test_a_version_is_judged_at_its_declared_end_or_never(
    tmp_path: Path, horizon: str, due: datetime | None
) -> None:
    text = (
        "release: dark\nshipped_at: 2026-09-05T00:00:00Z\nowner: x\napp_version: '2.0'\n"
        f"rollout: {{kind: version}}\n{horizon}success: [{{metric: signups}}]\n"
    )

    release = read_release(write(tmp_path, text, "dark"))

    assert release.has_design == release.has_adoption == (due is not None)
    assert release.decides_at([7]) == due  # no outcome is one of a unit


VERSION = """\
release: dark
shipped_at: 2026-09-05T00:00:00Z
owner: x
app_version: '2.0'
rollout: {kind: version}
horizon: {exposure_ends_at: 2026-10-10T00:00:00Z}
success: [{metric: signups}]
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("app_version: '2.0'\n", "", "a rollout of kind version names no app_version"),
        # whoever did something of their own choice is not whoever took the version
        (
            "{kind: version}",
            "{kind: version, exposure: {event: paid}}",
            "exposure in a rollout of kind version with a horizon",
        ),
        (
            "{kind: version}",
            "{kind: version, treatments: [a, b]}",
            "treatments in a rollout of kind version with a horizon",
        ),
        (
            "00:00:00Z}",
            "00:00:00Z, extends_to: 2026-10-01T00:00:00Z}",
            "extends_to is 2026-10-01T00:00:00Z",
        ),
    ],
)
def test_a_version_to_be_judged_by_anything_but_who_took_it_is_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    found = faults_of(write(tmp_path, VERSION.replace(old, new), "dark"))

    assert [one.startswith(says) for one in found] == [True]


EVERYONE = """\
release: dark
shipped_at: 2026-09-05T07:00:00Z
owner: x
rollout: {kind: everyone}
horizon: {days_after: 28, days_before: 14, harm_look: day_7}
incidents: [{from: 2026-08-01, to: 2026-08-03, reason: the payment provider was down}]
success: [{metric: signups}]
"""


def test_a_release_to_everyone_declares_its_windows_and_what_else_happened(tmp_path: Path) -> None:
    release = read_release(write(tmp_path, EVERYONE, "dark"), "America/New_York")

    assert release.windows == PlaceboWindows(28, 14, 7)
    assert [str(day) for day in release.incidents[0].days()] == [
        "2026-08-01",
        "2026-08-02",
        "2026-08-03",
    ]
    # shipped at 3 in the morning there, so the first whole day is the 6th
    assert release.decides_at([]) == datetime(2026, 10, 4, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("days_after: 28", "days_after: 10", "days_after is 10"),
        ("days_after: 28", "days_after: 7", "the look for harm on day 7 is no earlier"),
        ("days_after: 28", "looks: daily", "looks is daily"),
        ("to: 2026-08-03", "to: 2026-07-03", "an incident ends on 2026-07-03"),
        ("to: 2026-08-03", "to: 2026-08-33", "an incident from 2026-08-01 to 2026-08-33"),
        ("kind: everyone", "kind: version", "days_after in a rollout of kind version"),
    ],
)
def test_windows_and_incidents_that_make_no_sense_are_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    found = faults_of(write(tmp_path, EVERYONE.replace(old, new), "dark"))

    assert found[0].startswith(says)


COHORTS = """\
release: desk
shipped_at: 2026-09-05T07:00:00Z
owner: x
rollout:
  kind: staged
  cohorts:
    by: unit__country
    starts: {DE: 2026-09-05T07:00:00Z, FR: 2026-09-19T07:00:00+02:00}
horizon: {exposure_ends_at: 2026-10-31T00:00:00Z}
success: [{metric: signups}]
"""


def test_cohorts_need_no_control_and_are_judged_at_the_end_of_exposure(tmp_path: Path) -> None:
    release = read_release(write(tmp_path, COHORTS, "desk"))

    assert release.cohorts is not None
    assert release.cohorts.starts["FR"] == datetime(2026, 9, 19, 5, tzinfo=UTC)
    assert release.treatments == ("released",)
    assert not release.has_concurrent_control
    assert release.decides_at([30]) == datetime(2026, 10, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: staged", "kind: version", "cohorts in a rollout of kind version"),
        (
            "kind: staged",
            "kind: staged\n  control: off-course",
            "rollout names cohorts and control",
        ),
        ("{DE: 2026-09-05T07", "{DE: 2026-09-04T07", "DE starts before the release shipped"),
    ],
)
def test_cohorts_that_make_no_sense_are_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert faults_of(write(tmp_path, COHORTS.replace(old, new), "desk")) == [says]


def test_a_horizon_of_an_experiment_has_an_end(tmp_path: Path) -> None:
    text = GOOD.replace("exposure_ends_at: 2026-09-19T00:00:00Z, ", "")

    assert faults_of(write(tmp_path, text)) == ["the horizon has no end"]


def test_unknown_keys_and_an_instant_without_zone_are_refused(tmp_path: Path) -> None:
    text = GOOD.replace("+02:00", "") + "colour: blue\n"

    found = faults_of(write(tmp_path, text))

    assert any("unknown key(s) colour" in fault for fault in found)
    assert any("shipped_at" in fault for fault in found)


def test_good_releases_load_beside_a_bad_one(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, "release: bad\n", "bad")
    faults: list[Fault] = []

    found = load_releases(tmp_path, faults)

    assert list(found) == ["new-button"]
    assert len(faults) == 1
