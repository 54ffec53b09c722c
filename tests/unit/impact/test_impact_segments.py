"""Effects by level: what is shown, what is claimed, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landed.catalog import RoleOfMetric
from landed.errors import EstimationError
from landed.impact import SegmentEffect, compare, segment_effects
from landed.impact.segments import _added
from landed.stats import Difference, Moments, false_discovery_p_values, interaction, welch

Make = Callable[..., Any]
Sizes = dict[str | None, int]


def values(seed: int, n: int, mean: float) -> dict[str, Any]:
    return {"y": np.random.default_rng(seed).normal(mean, 1.0, n)}


@pytest.fixture
def measured(row_of: Make) -> Make:
    """Rows by platform and overall, of a mean; an effect of 1 in the levels named."""

    def make(
        sizes: Sizes, moved: tuple[str, ...] = (), metric: str = "sessions"
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[Any, Any]]:
        by_level, overall, drawn = [], [], {}
        for arm, variant in enumerate(("control", "checklist")):
            for at, (level, n) in enumerate(sizes.items()):
                seed = 100 * at + arm + 10 * len(metric)
                drawn[variant, level] = values(seed, n, 3 + arm * (level in moved))
                keys = {"metric": metric, "variant": variant, "segment": "platform",
                        "level": level, "level_count": 1}  # fmt: skip
                by_level.append(row_of("mean", drawn[variant, level], **keys))
            whole = {"y": np.concatenate([drawn[variant, level]["y"] for level in sizes])}
            overall.append(row_of("mean", whole, metric=metric, variant=variant))
        return by_level, overall, drawn

    return make


@pytest.fixture
def asked(release: Make, catalog: Make, metric: Make) -> Make:
    def ask(
        by_level: Any, overall: Any, *, is_final: bool, metrics: tuple[str, ...] = ("sessions",)
    ) -> tuple[SegmentEffect, ...]:
        named = release(*(RoleOfMetric(name, "diagnostic") for name in metrics))
        return segment_effects(
            replace(named, segments=("platform",)),
            catalog(*(metric(name) for name in metrics)),
            by_level,
            overall,
            is_final=is_final,
        )

    return ask


def test_a_level_is_tested_against_all_others(measured: Make, asked: Make) -> None:
    by_level, overall, drawn = measured({"ios": 400, "web": 300, None: 250}, moved=("ios",))

    found = asked(by_level, overall, is_final=True)

    def effect(*levels: str | None) -> Any:
        arms = [
            Moments.of(np.concatenate([drawn[variant, level]["y"] for level in levels]))
            for variant in ("control", "checklist")
        ]
        return welch(*arms)

    test = interaction(effect("ios"), effect("web", None))
    assert [one.level for one in found] == ["ios", "web", None]
    assert (found[0].n_control, found[0].n_treatment) == (400, 400)
    assert found[0].absolute_effect == pytest.approx(effect("ios").absolute_effect, rel=1e-9)
    assert found[0].ci_lower == pytest.approx(effect("ios").ci_lower, rel=1e-9)
    assert found[0].difference_from_rest == pytest.approx(test.difference, rel=1e-9)  # type: ignore[union-attr]


def test_a_level_that_differs_is_claimed_at_the_last_look(measured: Make, asked: Make) -> None:
    by_level, overall, _ = measured({"ios": 400, "web": 2000}, moved=("ios",))

    final = asked(by_level, overall, is_final=True)

    assert {one.level: one.is_claimed for one in final} == {"web": True, "ios": True}
    assert all(one.p_adjusted is not None and one.p_adjusted < 1e-6 for one in final)


def test_nothing_is_claimed_before_the_last_look(measured: Make, asked: Make) -> None:
    by_level, overall, _ = measured({"ios": 400, "web": 2000}, moved=("ios",))

    early = asked(by_level, overall, is_final=False)

    assert [one.is_claimed for one in early] == [False, False]
    assert [one.p_adjusted for one in early] == [None, None]
    assert all(one.shrunken_effect is not None for one in early)


def test_metrics_and_levels_are_one_family(measured: Make, asked: Make) -> None:
    names = ("sessions", "purchases_made")
    parts = [
        measured({"ios": 400, "web": 500, "android": 300}, ("ios",), metric=name) for name in names
    ]

    together = asked(
        [row for by_level, _, _ in parts for row in by_level],
        [row for _, overall, _ in parts for row in overall],
        is_final=True,
        metrics=names,
    )

    raw = []
    for _, _, drawn in parts:
        for level in ("web", "ios", "android"):
            rest = [one for one in ("web", "ios", "android") if one != level]
            effects = [
                welch(
                    *(
                        Moments.of(np.concatenate([drawn[variant, one]["y"] for one in levels]))
                        for variant in ("control", "checklist")
                    )
                )
                for levels in ([level], rest)
            ]
            raw.append(interaction(*effects).p_value)  # type: ignore[arg-type, union-attr]
    assert [one.p_adjusted for one in together] == pytest.approx(
        false_discovery_p_values(raw), rel=1e-6
    )


def test_a_level_of_few_units_says_so_and_leaves_the_family(measured: Make, asked: Make) -> None:
    by_level, overall, _ = measured({"ios": 400, "web": 900, "tv": 199})

    found = asked(by_level, overall, is_final=True)

    assert found[2].level == "tv"
    assert found[2].status == "not_estimable"
    assert found[2].reason == "this level has 199 units in an arm, at least 200 are needed"
    assert found[2].absolute_effect is found[2].p_adjusted is found[2].shrunken_effect is None


def test_effects_that_agree_are_pulled_to_that_of_the_release(measured: Make, asked: Make) -> None:
    sizes: Sizes = {f"level {at}": 300 for at in range(8)}
    by_level, overall, drawn = measured(sizes)

    found = asked(by_level, overall, is_final=False)

    whole = welch(
        *(
            Moments.of(np.concatenate([drawn[variant, level]["y"] for level in sizes]))
            for variant in ("control", "checklist")
        )
    )
    raw = np.array([one.absolute_effect for one in found])
    pulled = np.array([one.shrunken_effect for one in found])
    centre = whole.absolute_effect  # type: ignore[union-attr]
    assert np.abs(pulled - centre).max() < 0.5 * np.abs(raw - centre).max()


def test_a_segment_with_one_level_is_left_out(measured: Make, asked: Make) -> None:
    by_level, overall, _ = measured({"ios": 400, "web": 0})

    assert asked(by_level, overall, is_final=True) == ()


def test_the_level_of_many_values_may_be_named_as_one_of_them(measured: Make, asked: Make) -> None:
    by_level, overall, _ = measured({"other": 400, "rest": 300})
    for one in by_level:
        if one["level"] == "rest":
            one |= {"level": "other", "level_count": 7}

    found = asked(by_level, overall, is_final=False)

    assert [(one.level, one.level_count) for one in found] == [("other", 1), ("other", 7)]


def test_two_rows_of_one_level_are_refused(measured: Make, asked: Make) -> None:
    by_level, overall, _ = measured({"ios": 400, "web": 300})

    with pytest.raises(EstimationError, match="two rows of `sessions`"):
        asked([*by_level, by_level[0]], overall, is_final=False)


def test_a_release_without_control_has_no_effects_by_segment(
    measured: Make, release: Make, catalog: Make, metric: Make
) -> None:
    by_level, overall, _ = measured({"ios": 400, "web": 300})
    everyone = release(RoleOfMetric("sessions", "success"), kind="everyone", control=None)

    found = segment_effects(everyone, catalog(metric("sessions")), by_level, overall, is_final=True)

    assert found == ()


def test_a_segment_effect_is_shown_by_its_keys(measured: Make, asked: Make) -> None:
    by_level, overall, _ = measured({"ios": 400, "web": 300})

    shown = asked(by_level, overall, is_final=True)[0].as_dict()

    assert list(shown) == [
        "metric", "treatment", "segment", "level", "level_count", "n_control", "n_treatment",
        "status", "reason", "absolute_effect", "ci_lower", "ci_upper", "shrunken_effect",
        "difference_from_rest", "p_adjusted", "is_claimed", "confidence_level", "method",
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["mean", "ratio"])
def test_rows_of_parts_add_up_to_the_estimate_of_the_whole(row_of: Make, form: str) -> None:
    rng = np.random.default_rng(30)
    arms, parts = [], []
    for n in (1200, 1000):
        x, w, d = rng.gamma(3, 1, n), 1.0 + rng.poisson(3, n), 1.0 + rng.poisson(3, n)
        given = {"x": x, "y": d * x + rng.normal(0, 1, n), "w": w, "d": d}
        kept = given if form == "ratio" else {one: given[one] for one in "xy"}
        days = [slice(0, 7), slice(7, 600), slice(600, n)]
        arms.append(row_of(form, kept))
        parts.append(
            [row_of(form, {one: column[day] for one, column in kept.items()}) for day in days]
        )

    merged = compare(form, *(_added(part) for part in parts))

    whole = compare(form, *arms)
    assert isinstance(merged[1], Difference)
    assert isinstance(whole[1], Difference)
    assert merged[1].method == "adjusted_difference"
    assert merged[1].absolute_effect == pytest.approx(whole[1].absolute_effect, rel=1e-12)
    assert merged[1].standard_error == pytest.approx(whole[1].standard_error, rel=1e-12)
    assert merged[2] == pytest.approx(whole[2], rel=1e-11)
