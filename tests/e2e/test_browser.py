"""What a person sees in a browser: the HTML report, and the verdict in the Dagster UI."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "examples" / "demo"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 120_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page(viewport={"width": 1280, "height": 1600})
        browser.close()


@pytest.fixture(scope="module")
def ui(demo_home: Path) -> Iterator[str]:
    """`landed dev` on a free port, ended with everything it started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (demo_home / "dev.log").open("w")
    process = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("landed")),
            "dev",
            "--project",
            str(PROJECT),
            "--home",
            str(demo_home),
            "--port",
            str(port),
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/server_info", process, demo_home / "dev.log")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            pytest.fail(f"landed dev ended early:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"landed dev did not answer:\n{log.read_text()[-3000:]}")


def _report(home: Path, release: str) -> dict[str, Any]:
    latest = json.loads((home / "reports" / release / "latest.json").read_text("utf-8"))
    file = home / "reports" / release / f"{latest['snapshot']}.json"
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return document


def test_the_html_report_shows_the_verdict_and_asks_nobody(demo_home: Path, page: Any) -> None:
    document = _report(demo_home, "onboarding-checklist")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    path = demo_home / "reports" / "onboarding-checklist" / f"{document['snapshot']}.html"

    page.goto(path.as_uri())

    assert "worked" in page.inner_text("body").lower()
    assert "activation" in page.inner_text("body").lower()
    assert page.locator("svg[role=img]").count() >= 1
    assert [url for url in asked if not url.startswith("file:")] == []


def test_the_notice_of_a_blocked_release_names_the_check(demo_home: Path, page: Any) -> None:
    document = _report(demo_home, "search-ranking")
    path = demo_home / "reports" / "search-ranking" / f"{document['snapshot']}.html"

    page.goto(path.as_uri())

    text = page.inner_text("body").lower()
    assert "blocked" in text
    assert "sample" in text


def test_the_dagster_ui_shows_the_verdict_and_the_failed_check(ui: str, page: Any) -> None:
    page.goto(f"{ui}/assets/report?view=partitions&partition=onboarding-checklist")
    page.get_by_text("worked").first.wait_for(timeout=WAIT_MS)

    page.goto(f"{ui}/assets/gate_decision?view=checks")
    page.get_by_text("sample_ratio").first.wait_for(timeout=WAIT_MS)


def test_the_page_of_the_gate_shows_what_failed_what_was_expected_and_the_repair(
    demo_home: Path, ui: str, page: Any
) -> None:
    gate = _report(demo_home, "search-ranking")["gate"]
    failed = next(one for one in gate["checks"] if one["id"] == "sample_ratio")
    assert not failed["passed"]

    for view in (
        "view=partitions&partition=search-ranking",
        "view=checks&checkDetail=sample_ratio",
    ):
        page.goto(f"{ui}/assets/gate_decision?{view}")
        page.get_by_text(failed["fix"], exact=False).first.wait_for(timeout=WAIT_MS)
        shown = " ".join(page.inner_text("body").split())

        for told in ("observed", "expected", "fix"):
            assert " ".join(failed[told].split()) in shown, (view, told)
