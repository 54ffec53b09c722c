"""`landed diff` and `landed check --base` on a repository of one's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landed.serve.cli import main

METRIC = """\
metrics:
  - name: errors
    label: Errors
    description: Events that tell of an error, each counted. Rises when the app fails more often.
    type: simple
    type_params: {measure: event_count}
    filter: "{{ Dimension('event__event_name') }} = 'error'"
    config:
      meta:
        owner: web
        value: count
        direction: decrease_is_good
        revisions: [{date: 2026-01-01, change: first, by: web}]
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project below the top of a repository, committed once."""
    folder = tmp_path / "repository" / "shop"
    (folder / "metrics").mkdir(parents=True)
    (folder / "landed.toml").write_text('[project]\nname = "shop"\n', encoding="utf-8")
    (folder / "metrics" / "errors.yml").write_text(METRIC, encoding="utf-8")
    git(folder, "init", "--quiet")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a state")


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "metrics" / "errors.yml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as finished:
            main([str(one) for one in arguments])
        said = capsys.readouterr()
        return int(finished.value.code or 0), said.out, said.err

    return run


def test_a_breaking_edit_of_the_work_tree_ends_with_1_and_names_the_filter(
    shop: Path, run: Run
) -> None:
    edit(shop, "= 'error'", "in ('error', 'crash')")

    code, out, _ = run("diff", "HEAD", "--project", shop)

    assert code == 1
    assert "breaking    metric errors: the filter is" in out
    assert "metrics/errors.yml" in out
    assert "1 breaking without a new revision" in out


def test_a_new_revision_lets_diff_and_check_pass(shop: Path, run: Run) -> None:
    edit(shop, "= 'error'", "in ('error', 'crash')")
    edit(shop, "revisions: [", "revisions: [{date: 2026-02-01, change: crashes too, by: web}, ")

    assert run("diff", "HEAD", "--project", shop)[0] == 0
    assert run("check", "--base", "HEAD", "--project", shop)[0] == 0


def test_check_fails_by_the_base_only(shop: Path, run: Run) -> None:
    edit(shop, "= 'error'", "= 'crash'")

    without = run("check", "--project", shop)
    since = run("check", "--base", "HEAD", "--project", shop, "--format", "json")

    assert without[0] == 0
    assert since[0] == 1
    (fault,) = json.loads(since[1])["faults"]
    assert fault["code"] == "unrevised"
    assert "by: web}" in fault["fix"]


def test_two_revisions_are_compared_without_touching_the_work_tree(shop: Path, run: Run) -> None:
    edit(shop, "label: Errors", "label: Failures")
    commit(shop)
    edit(shop, "= 'error'", "= 'crash'")
    before = git(shop, "status", "--porcelain")

    code, out, _ = run("diff", "HEAD~1", "HEAD", "--project", shop, "--format", "json")

    facts: dict[str, Any] = json.loads(out)
    assert code == 0
    assert facts["severity"] == "harmless"
    assert [one["rule"] for one in facts["changes"]] == ["label"]
    assert git(shop, "status", "--porcelain") == before


def test_folders_are_compared_too(shop: Path, run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "metrics").mkdir(parents=True)
    (other / "landed.toml").write_text((shop / "landed.toml").read_text("utf-8"), encoding="utf-8")

    code, out, _ = run("diff", other, shop, "--project", shop)

    assert code == 0
    assert "compatible  metric errors: the metric is new" in out


@pytest.mark.parametrize("revision", ["nowhere", "--output=/tmp/x", "HEAD:metrics"])
def test_what_is_no_revision_is_an_error_that_says_so(shop: Path, run: Run, revision: str) -> None:
    code, _, err = run("diff", "--project", shop, "--", revision)

    assert code == 3
    assert "is no revision" in err


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_base_is_an_error_and_not_the_folder_one_stands_in(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch, empty: str
) -> None:
    monkeypatch.chdir(shop)
    edit(shop, "= 'error'", "= 'crash'")

    code, _, err = run("check", "--base", empty)

    assert code == 3
    assert "the version to compare with is empty" in err


def test_a_project_without_a_repository_is_told_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "landed.toml").write_text('[project]\nname = "shop"\n', encoding="utf-8")

    code, _, err = run("diff", "main", "--project", tmp_path)

    assert code == 3
    assert "stands in no git repository" in err


def test_in_a_hook_of_a_linked_work_tree_the_same_files_are_found(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = shop / "app"
    app.mkdir()
    shutil.move(shop / "metrics", app / "metrics")
    shutil.move(shop / "landed.toml", app)
    commit(shop)
    edit(app, "label: Errors", "label: Failures")
    inside = git(shop, "rev-parse", "--absolute-git-dir").strip()
    monkeypatch.setenv("GIT_DIR", inside)  # as git sets them there
    monkeypatch.setenv("GIT_INDEX_FILE", f"{inside}/index")

    code, out, err = run("diff", "HEAD", "--project", app)

    assert (code, err) == (0, "")
    assert "the label is Failures" in out


def test_a_base_that_does_not_load_is_compared_as_far_as_it_goes(shop: Path, run: Run) -> None:
    edit(shop, "type: simple", "type: simpel")
    commit(shop)
    edit(shop, "type: simpel", "type: simple")

    code, out, _ = run("diff", "HEAD", "--project", shop)

    assert code == 0
    assert "not compared: the type `simpel` is unknown" in out


def test_filters_and_links_of_a_repository_are_not_followed(shop: Path, run: Run) -> None:
    marker = shop.parent / "ran"
    (shop / "metrics" / "linked.yml").symlink_to("/etc/hostname")
    (shop / ".gitattributes").write_text("*.yml filter=x export-ignore\n", encoding="utf-8")
    git(shop, "config", "filter.x.smudge", f"touch {marker}; cat")
    commit(shop)
    (shop / "metrics" / "linked.yml").unlink()

    code, out, _ = run("diff", "HEAD", "--project", shop)

    assert (code, out.splitlines()[-1][:10]) == (0, "0 breaking")
    assert not marker.exists()
