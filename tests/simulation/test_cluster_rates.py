"""Releases that assign clusters, drawn: seeded, few draws here; all of them in `make calibrate`."""

from __future__ import annotations

import numpy as np

from .calibration.clusters import compare, decided, drawn_looks, forgotten

SEED = 20261128


def test_nothing_works_by_cluster_more_often_than_promised_and_by_unit_it_does():
    draws = 60

    found, naive = decided(40, 0.2, "proportion", draws, np.random.SeedSequence(SEED))

    # promised 2.5 % and 4.5 %: beyond three standard errors of 60 draws are 8.5 % and 12.5 %
    assert found["worked"] / draws <= 0.085
    assert found["harmed"] / draws <= 0.125
    assert (naive["worked"] + naive["harmed"]) / draws > 0.5


def test_intervals_by_cluster_cover_and_by_unit_do_not():
    rng, draws = np.random.default_rng(SEED), 200
    held = naive = 0
    for _ in range(draws):
        last = drawn_looks(rng, 40, 0.05, "proportion")[-1:]
        for rows, is_naive in ((last[0], False), (forgotten(last)[0], True)):
            found = compare("proportion", *rows, adjust=False)[1]
            covers = found.ci_lower <= 0 <= found.ci_upper
            held, naive = held + (covers and not is_naive), naive + (covers and is_naive)

    assert 0.89 <= held / draws <= 0.99
    assert naive / draws < 0.7
