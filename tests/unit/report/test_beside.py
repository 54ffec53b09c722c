from __future__ import annotations

from typing import Any

from landed.report.beside import tables_beside

METRIC = {
    "metric": "activation_rate",
    "label": "Activation <b>",
    "value": "share",
    "status": "estimated",
    "ci_lower": 0.01,
    "ci_upper": 0.05,
    "absolute_effect": 0.03,
    "mean_control": 0.3,
}


def segment(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "metric": "activation_rate", "treatment": "new", "segment": "plan", "level": "pro",
        "level_count": 1, "n_control": 400, "n_treatment": 410, "status": "estimated",
        "reason": None, "absolute_effect": 0.08, "ci_lower": 0.01, "ci_upper": 0.15,
        "shrunken_effect": 0.04, "difference_from_rest": 0.06, "p_adjusted": 0.003,
        "is_claimed": True, "confidence_level": 0.95, "method": "welch",
    }  # fmt: skip
    return {**facts, **changes}


def document(**parts: Any) -> dict[str, Any]:
    return {"estimates": [METRIC], "segments": [], **parts}


def test_a_claim_is_shown_at_the_last_look_only() -> None:
    (final,) = tables_beside(document(segments=[segment()]))
    (before,) = tables_beside(document(segments=[segment(p_adjusted=None, is_claimed=False)]))

    assert final.rows[0][1:] == ("+4.0 pp", "+8.0 pp", "400 / 410", "differs")
    assert before.rows[0][-1] == "–"
    assert before.note.endswith("Nothing is claimed before the last look.")


def test_levels_that_stand_together_or_are_unknown_say_so() -> None:
    (found,) = tables_beside(
        document(segments=[segment(level="other", level_count=7), segment(level=None)])
    )

    assert [row[0] for row in found.rows] == [
        "Activation <b>, plan 7 others, new",
        "Activation <b>, plan unknown, new",
    ]


def test_what_could_not_be_tested_gives_its_reason() -> None:
    overlap = {
        "release": "other", "n_both": 12, "metric": None, "treatment": None,
        "other_treatment": None, "difference": None, "p_value": None, "reason": "too few",
    }  # fmt: skip
    trend = {
        "metric": "activation_rate", "treatment": "new", "slope": -0.02, "p_value": 0.04,
        "reason": None,
    }  # fmt: skip
    first = {
        "metric": "activation_rate", "treatment": "new", "n_crossover": 3,
        "absolute_effect": 0.028, "standard_error": 0.01, "reason": None,
    }  # fmt: skip

    trends, overlaps, firsts = tables_beside(
        document(
            exploratory={"trends": [trend], "overlaps": [overlap], "first_assignments": [first]}
        )
    )

    assert overlaps.rows == (("other", "12", "–", "too few"),)
    assert trends.rows == (("Activation <b>, new", "-2.0 pp", "0.04"),)
    assert firsts.rows == (("Activation <b>, new", "+3.0 pp", "+2.8 pp", "3"),)
