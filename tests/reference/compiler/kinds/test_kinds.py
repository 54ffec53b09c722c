from __future__ import annotations

from pathlib import Path

import pytest

from kinds.compare import run

SEED = 20260401


def test_a_draw_of_definitions_agrees_with_counting_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = run(tmp_path, SEED, definitions=40, data_sets=2)

    with capsys.disabled():
        print(f"\nkinds, seed {SEED}: {score}")
    assert not score.wrong, "\n".join(score.wrong)
    assert score.values > 1000
    assert score.zoned > 500


@pytest.mark.full
@pytest.mark.parametrize("seed", range(13))
def test_definitions_of_all_kinds_agree_with_counting_by_hand(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    score = run(tmp_path, seed, definitions=40, data_sets=4)

    with capsys.disabled():
        print(f"\nkinds, seed {seed}: {score}")
    assert not score.wrong, "\n".join(score.wrong)
