"""`must_emit`: names, or entries that say from which version on and in which variants."""

from __future__ import annotations

from pathlib import Path

import pytest

from landed.catalog.releases import EmitRule, Release, read_release
from landed.catalog.versions import version_key
from landed.errors import ContractError

RELEASE = """\
release: r
shipped_at: 2026-09-05T00:00:00Z
owner: growth
rollout: {rollout}
success: [{{metric: signups}}]
must_emit: {promised}
"""
EVERYONE = "{kind: everyone}"


def read(tmp_path: Path, promised: str, rollout: str = EVERYONE) -> Release:
    path = tmp_path / "r.yml"
    path.write_text(RELEASE.format(promised=promised, rollout=rollout))
    return read_release(path)


def test_a_plain_name_is_wanted_of_treatments_in_any_version(tmp_path: Path) -> None:
    release = read(tmp_path, "[shown]")

    assert release.must_emit == ("shown",)
    assert release.emit_rule("shown") == EmitRule()


def test_an_entry_says_from_which_version_on(tmp_path: Path) -> None:
    promised = '[shown, {event: done, since_version: "4.2.0", in: treatments}]'
    release = read(tmp_path, promised)

    assert release.must_emit == ("shown", "done")
    assert release.emit_rules == {"done": EmitRule("4.2.0")}


@pytest.mark.parametrize(
    ("promised", "what"),
    [
        ("[done, {event: done}]", "the event `done` is promised twice"),
        ("[{event: done, in: all}]", "the event `done` is promised of control, and there is none"),
        ("[{event: done, since_version: canary}]", "since_version is `canary`"),
        ("[{event: done, from: 4}]", "from"),
        ("[{since_version: '4.2.0'}]", "event"),
        ("[{event: done, in: control}]", "control"),
        ("[4]", "4"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_a_fault(tmp_path: Path, promised: str, what: str) -> None:
    with pytest.raises(ContractError) as caught:
        read(tmp_path, promised)

    assert what in " ".join(fault.what for fault in caught.value.faults)


def test_versions_are_ordered_by_their_numbers() -> None:
    names = ["10.0", "4.10.0", "4.2.0-beta.1", "4.2", "4.2.0-rc1", "4.2.1", "4.2-alpha"]

    assert sorted(names, key=lambda name: version_key(name) or ()) == [
        "4.2-alpha",
        "4.2.0-beta.1",
        "4.2.0-rc1",
        "4.2",
        "4.2.1",
        "4.10.0",
        "10.0",
    ]
    assert version_key("4.2") == version_key("4.2.0") == version_key("v4.2")
    assert version_key("canary") is None
