from __future__ import annotations

from landed.report import units


def row(value: str, lower: float | None, upper: float | None, effect: float | None = None):
    return {
        "value": value, "ci_lower": lower, "ci_upper": upper, "absolute_effect": effect,
        "mean_control": None, "mean_treatment": None,
    }  # fmt: skip


def test_decimals_show_two_digits_of_the_half_width() -> None:
    assert units.decimals_for(row("seconds", 10.9413, 20.9276)) == 1
    assert units.decimals_for(row("share", -0.0012, 0.003)) == 2
    assert units.decimals_for(row("ms", -6.1, 44.5)) == 0


def test_decimals_without_an_interval_show_three_digits() -> None:
    assert units.decimals_for(row("count", None, None, 0.01234)) == 4
    assert units.decimals_for(row("count", None, None, None)) == 1


def test_a_share_is_percent_and_its_difference_percentage_points() -> None:
    assert units.level(0.1234, "share") == "12.3%"
    assert units.difference(0.0123, "share") == "+1.2 pp"
    assert units.interval(-0.012, 0.003, "share") == "-1.2 to +0.3 pp"


def test_money_has_its_sign_before_the_currency_and_cents() -> None:
    assert units.level(1234.5, "usd", 0) == "$1,234.50"
    assert units.difference(-0.3, "usd", 1) == "-$0.30"
    assert units.interval(-0.3, 1.0, "usd") == "-$0.30 to +$1.00"


def test_seconds_and_milliseconds_carry_their_unit() -> None:
    assert units.level(115.3864, "seconds") == "115.4 s"
    assert units.difference(-19.2, "ms", 0) == "-19 ms"


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert units.difference(-0.00001, "seconds") == "0.0 s"
    assert units.level(-0.0001, "usd") == "$0.00"


def test_open_ends_are_said_in_words() -> None:
    assert units.interval(None, 0.003, "share") == "up to +0.3 pp"
    assert units.interval(1.0, None, "seconds") == "+1.0 s or more"


def test_a_p_value_is_never_zero() -> None:
    assert units.p_value(4.44e-10) == "< 0.0001"
    assert units.p_value(0.2991) == "0.299"


def test_age_is_in_the_unit_people_use() -> None:
    assert units.age("2026-11-19T00:00:00Z", "2026-11-22T00:00:00Z") == "3 days"
    assert units.age("2026-11-21T23:00:00Z", "2026-11-22T00:00:00Z") == "1 hour"
