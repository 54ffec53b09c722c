from __future__ import annotations

import sys
from pathlib import Path

import pytest

from landed.catalog import Catalog, load_catalog
from landed.project import Project

sys.path.insert(0, str(Path(__file__).parent))  # worlds.py and others, beside this file

from product import ABOUT, MODELS, RELEASE

META = "config: {meta: {owner: growth, value: count, direction: increase_is_good%s}}"


def metric(name: str, kind: str, params: str, *, more: str = "", meta: str = "") -> str:
    """One entry of `metrics:`."""
    lines = [
        f"  - name: {name}",
        f"    label: {name.replace('_', ' ')}",
        f"    {ABOUT}",
        f"    type: {kind}",
        f"    type_params: {params}",
        *([f"    {more}"] if more else []),
        f"    {META % meta}",
    ]
    return "\n".join(lines)


SIGNUP = """filter: "{{ Dimension('event__event_name') }} = 'signup'" """.strip()
WEEK = ", window_days: 7"
METRICS = "\n".join(
    [
        "metrics:",
        metric("events", "simple", "{measure: event_count}"),
        metric("events_7d", "simple", "{measure: event_count}", meta=WEEK),
        metric("signups", "simple", "{measure: event_count}", more=SIGNUP),
        metric("amount", "simple", "{measure: amount_sum}"),
        metric(
            "amount_7d_capped", "simple", "{measure: amount_sum}", meta=WEEK + ", cap: {value: 12}"
        ),
        metric("amount_mean", "simple", "{measure: amount_average}"),
        metric("amount_min", "simple", "{measure: amount_least}"),
        metric("amount_max", "simple", "{measure: amount_most}"),
        metric("errors", "simple", "{measure: error_count}"),
        metric("sessions", "simple", "{measure: event_sessions}"),
        metric("long_view_count", "simple", "{measure: long_views}"),
        metric("active_units", "simple", "{measure: event_units}"),
        metric("signed_up_units", "simple", "{measure: event_units}", more=SIGNUP),
        metric("exposed_units", "simple", "{measure: exposed_unit_count}"),
        metric("feedback_items", "simple", "{measure: feedback_count}"),
        metric(
            "pro_feedback_items",
            "simple",
            "{measure: feedback_count}",
            more="""filter: "{{ Dimension('unit__plan') }} = 'pro'" """.strip(),
        ),
        metric("rating", "simple", "{measure: rating_average}"),
        metric(
            "signup_rate",
            "ratio",
            "{numerator: signed_up_units, denominator: exposed_units}",
            meta=", window_days: 3.5",
        ),
        metric("erring", "simple", "{measure: erring_units}"),
        metric("erring_share", "ratio", "{numerator: erring, denominator: exposed_units}"),
        metric(
            "amount_per_exposed_unit", "ratio", "{numerator: amount, denominator: exposed_units}"
        ),
        metric("error_share", "ratio", "{numerator: errors, denominator: events}"),
        metric("error_share_7d", "ratio", "{numerator: errors, denominator: events}", meta=WEEK),
        metric("feedback_per_event", "ratio", "{numerator: feedback_items, denominator: events}"),
        metric(
            "pro_event_share",
            "ratio",
            """{numerator: {name: events, filter: "{{ Dimension('unit__plan') }} = 'pro'"}, """
            "denominator: events}",
        ),
        metric(
            "other_events",
            "derived",
            "{expr: (everything - signups) / 1, metrics: [{name: events, alias: everything}, "
            "signups]}",
        ),
        metric(
            "errors_per_signup", "derived", "{expr: errors / signups, metrics: [errors, signups]}"
        ),
        "product_metrics:",
        metric("view_seconds", "unit_mean", "{measure: seconds_sum}"),
        metric("view_seconds_7d", "unit_mean", "{measure: seconds_sum}", meta=WEEK),
    ]
)


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("project"))


def load(root: Path) -> Catalog:
    """The catalog of a project of its own, without the core."""
    for folder, name, text in (
        ("models", "marts.yml", MODELS),
        ("metrics", "all.yml", METRICS),
        ("releases", "new-start.yml", RELEASE),
    ):
        (root / folder).mkdir()
        (root / folder / name).write_text(text, encoding="utf-8")
    return load_catalog(Project(root, "oracle"), core=root / "no_core")
