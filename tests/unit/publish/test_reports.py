from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from landed.errors import WarehouseError
from landed.publish import latest_reports, open_snapshot, read_report
from landed.publish.judged_again import is_of, says_the_latest
from landed.publish.readers import stale_since
from landed.publish.reports import points_to

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


def test_every_report_stands_in_three_renderings(small: Any) -> None:
    published = small.publish()

    names = sorted(path.name for path in (small.home.reports / "good").iterdir())

    assert names == [f"{published.id}.html", f"{published.id}.json", f"{published.id}.md",
                     "latest.json"]  # fmt: skip


def test_a_blocked_release_keeps_its_last_good_report(small: Any) -> None:
    good = small.publish("1", blocked=("bad",))
    later = NOW + timedelta(days=1)
    blocked = small.publish("2", blocked=("good", "bad"), created_at=later)

    notice = read_report(small.home, "good")

    assert notice.snapshot == blocked.id
    assert notice.document["last_good"] == {
        "snapshot": good.id, "as_of": "2026-11-22T00:00:00Z", "decision": "harmed",
    }  # fmt: skip
    assert read_report(small.home, "good", good.id).decision == "harmed"
    assert (small.home.reports / "good" / f"{good.id}.html").is_file()
    assert f"{good.id}.html" in (small.home.reports / "good" / f"{blocked.id}.html").read_text()


def test_the_pages_of_a_withdrawn_report_say_so_until_the_release_passes_again(
    small: Any,
) -> None:
    good = small.publish("1", blocked=())
    pages = [small.home.reports / "good" / f"{good.id}.{end}" for end in ("html", "md")]
    clean = [page.read_text() for page in pages]
    kept = (small.home.reports / "good" / f"{good.id}.json").read_bytes()

    small.publish("2", blocked=("good",), created_at=NOW + timedelta(days=1))

    assert all("withdrawn until it passes again" in page.read_text() for page in pages)
    assert stale_since(small.home, "good", good.id) is not None
    assert (small.home.reports / "good" / f"{good.id}.json").read_bytes() == kept

    small.publish("3", blocked=(), created_at=NOW + timedelta(days=2))

    assert [page.read_text() for page in pages] == clean
    assert stale_since(small.home, "good", good.id) is None


def test_a_gate_that_blocks_the_same_inputs_later_withdraws_the_verdict(small: Any) -> None:
    good = small.publish("1", blocked=())
    withdrawn = small.publish("1", blocked=("good",), created_at=NOW + timedelta(hours=1))

    assert withdrawn.id != good.id
    assert is_of(withdrawn, good.id)
    assert withdrawn.manifest["releases"] == {"bad": "harmed", "good": "blocked"}
    assert read_report(small.home, "good").document["last_good"]["snapshot"] == good.id
    assert read_report(small.home, "good", good.id).decision == "harmed"
    assert stale_since(small.home, "good", good.id) is not None
    assert read_report(small.home, "bad").document["estimates"]
    with open_snapshot(small.home) as engine:
        assert {row[0] for row in engine.rows("select distinct release from estimates")} == {"bad"}


def test_a_report_that_somebody_removed_is_withdrawn_from_the_tables_too(small: Any) -> None:
    good = small.publish("1", blocked=())
    (small.home.reports / "good" / f"{good.id}.json").unlink()

    small.publish("1", blocked=("good",))

    with open_snapshot(small.home) as engine:
        assert {row[0] for row in engine.rows("select distinct release from estimates")} == {"bad"}
        exposed = engine.rows("select distinct release from fct_exposures")
    assert ("good",) not in exposed


def test_a_withdrawn_report_is_stale_whatever_became_of_the_pointer(small: Any) -> None:
    good = small.publish("1", blocked=())
    small.publish("2", blocked=("good",))
    pointer = small.home.reports / "good" / "latest.json"
    told = orjson.loads(pointer.read_bytes())

    pointer.write_bytes(orjson.dumps({**told, **told["last_good"]}))
    assert stale_since(small.home, "good", good.id) is not None

    pointer.unlink()
    assert stale_since(small.home, "good", good.id) is not None


def test_a_verdict_that_was_withdrawn_stands_again_once_the_same_inputs_pass(small: Any) -> None:
    good = small.publish("1", blocked=())
    page = small.home.reports / "good" / f"{good.id}.html"
    clean = page.read_text()
    small.publish("1", blocked=("good",))
    assert page.read_text() != clean

    again = small.publish("1", blocked=())

    assert read_report(small.home, "good").decision == "harmed"
    assert stale_since(small.home, "good", again.id) is None
    assert page.read_text() == clean
    assert again.manifest["releases"] == good.manifest["releases"]


def test_a_release_that_could_not_be_judged_first_is_published_once_it_passes(small: Any) -> None:
    small.publish("1", blocked=("good",))
    passed = small.publish("1", blocked=())
    blocked = small.publish("1", blocked=("good",))

    notice = read_report(small.home, "good")
    assert len({passed.id, blocked.id, notice.snapshot}) == 2
    assert notice.document["last_good"]["snapshot"] == passed.id
    assert stale_since(small.home, "good", passed.id) is not None


def test_the_same_word_on_the_same_inputs_is_the_same_snapshot(small: Any) -> None:
    small.publish("1", blocked=())
    withdrawn = small.publish("1", blocked=("good",))

    assert small.publish("1", blocked=("good",)).id == withdrawn.id


def test_readers_are_behind_until_they_are_told_what_the_gate_said_last(small: Any) -> None:
    small.publish("1", blocked=())
    assert says_the_latest(small.home, ["good", "bad"])

    small.home.work.mkdir(parents=True, exist_ok=True)
    kept = small.home.work / "report-good.json"
    kept.write_bytes(small.report("good", "0" * 16, blocked=True).to_json())

    assert not says_the_latest(small.home, ["good", "bad"])


def test_a_release_blocked_twice_still_names_the_last_good_report(small: Any) -> None:
    good = small.publish("1", blocked=())
    small.publish("2", blocked=("good", "bad"))
    small.publish("3", blocked=("good", "bad"))

    assert read_report(small.home, "good").document["last_good"]["snapshot"] == good.id


def test_a_release_that_never_passed_has_no_last_good_report(small: Any) -> None:
    small.publish()

    assert read_report(small.home, "bad").document["last_good"] is None


def test_a_notice_shows_no_number_of_an_effect(small: Any) -> None:
    published = small.publish()
    folder = small.home.reports / "bad"

    for ending in ("json", "html", "md"):
        text = (folder / f"{published.id}.{ending}").read_text()
        assert "mean_control" not in text
        assert "95% interval" not in text


def test_latest_reports_are_one_per_release(small: Any) -> None:
    small.publish("1")
    small.publish("2")

    assert [report.release for report in latest_reports(small.home)] == ["bad", "good"]


def test_a_written_report_is_never_rewritten(small: Any) -> None:
    published = small.publish()
    path = small.home.reports / "good" / f"{published.id}.json"
    before = path.stat().st_mtime_ns

    small.publish()

    assert path.stat().st_mtime_ns == before


def test_an_unknown_release_is_refused_with_the_known_ones(small: Any) -> None:
    small.publish()

    with pytest.raises(WarehouseError, match="bad, good"):
        read_report(small.home, "nope")


@pytest.mark.parametrize("name", ["../good", "good/../../etc", "", "a\x00b"])
def test_a_name_that_leaves_the_folder_is_refused(small: Any, name: str) -> None:
    with pytest.raises(WarehouseError, match="no release name"):
        read_report(small.home, name)


def test_a_snapshot_that_leaves_the_folder_is_refused(small: Any) -> None:
    with pytest.raises(WarehouseError, match="no snapshot id"):
        read_report(small.home, "good", "../../secret")


def test_reports_that_point_to_another_snapshot_are_not_whole(small: Any) -> None:
    """A run that is killed once the snapshot is there, and before its reports are the latest."""
    published = small.publish()
    releases = [path.parent.name for path in small.home.reports.glob("*/latest.json")]
    assert points_to(small.home, releases, published.id)

    (small.home.reports / releases[0] / "latest.json").unlink()

    assert not points_to(small.home, releases, published.id)
