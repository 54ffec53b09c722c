"""What is true in the demo product: its releases, their effects, and the app they are in.

The release files of `examples/demo` repeat the instants; a test holds the two together.
Effects are absolute and far from every bound, so a correct verdict does not depend on the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

STARTED_AT = datetime(2026, 9, 1, tzinfo=UTC)
DAY_MS = 86_400_000
MINUTE_MS = 60_000
MINIMUM_DAYS = 60  # the last verdict is due after day 56; late events need two more
RELIABLE_FROM_USERS = 20_000  # below it, an interval may be too wide for the true verdict

SIGNUP_DAYS = 24  # the app opened on day 0; nobody new comes after three and a half weeks
DIGEST_DAYS = 10  # a digest mail brings everybody back at least once in ten days

PLATFORMS = ("web", "ios", "android")
PLATFORM_SHARES = (0.45, 0.30, 0.25)
COUNTRIES = ("US", "DE", "GB", "FR", "IN", "BR", "JP", "CA")
COUNTRY_SHARES = (0.34, 0.14, 0.12, 0.09, 0.12, 0.08, 0.06, 0.05)
PLANS = ("free", "team", "business")
VERSIONS = ("2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0")
VERSION_DAYS = (0, 9, 20, 44, 54)  # the day each version came out

BASE_FAILURE_SHARE = 0.015
BASE_ACTIVATION_SHARE = 0.40
BASE_SEARCH_SUCCESS_SHARE = 0.55
REFUND_SHARE = 0.03
ACTIVATION_WINDOW_DAYS = 7

Verdict = Literal["worked", "no_effect", "harmed", "blocked", "not_estimable"]


@dataclass(frozen=True, slots=True)
class Change:
    """One release and the truth about it.

    Args:
        release: Name of its file.
        shipped_at: UTC.
        exposure_ends_at: UTC.
        decides_at: End of exposure plus the longest outcome window; of a release to everyone 14
            whole days after it shipped. UTC.
        verdict: What a correct report says.
        main_metric: The success metric.
        effects: True absolute effect of the treatment by metric, in the metric's unit of
            measure; metrics it names that are not here are not moved. None: known only from
            who came, see `Columns.effects`, or not defined without a control.
        flag: Key of the feature flag; empty where the release has none.
        treatment: The flag's variant beside `control`.
        failing_check: For `blocked`: the check that must fail.
    """

    release: str
    shipped_at: datetime
    exposure_ends_at: datetime
    decides_at: datetime
    verdict: Verdict
    main_metric: str
    effects: dict[str, float | None]
    flag: str = ""
    treatment: str = ""
    failing_check: str | None = None

    @property
    def shipped_ms(self) -> int:
        """`shipped_at` in milliseconds since the epoch."""
        return to_ms(self.shipped_at)

    @property
    def ends_ms(self) -> int:
        """`exposure_ends_at` in milliseconds since the epoch."""
        return to_ms(self.exposure_ends_at)

    @property
    def decides_ms(self) -> int:
        """`decides_at` in milliseconds since the epoch."""
        return to_ms(self.decides_at)


def to_ms(instant: datetime) -> int:
    """An instant in milliseconds since the epoch."""
    return round(instant.timestamp() * 1000)


START_MS = to_ms(STARTED_AT)

CHECKLIST = Change(
    release="onboarding-checklist",
    shipped_at=datetime(2026, 9, 3, 9, tzinfo=UTC),
    exposure_ends_at=datetime(2026, 9, 28, tzinfo=UTC),
    decides_at=datetime(2026, 10, 12, tzinfo=UTC),
    verdict="worked",
    main_metric="activation_rate",
    effects={"activation_rate": None},
    flag="onboarding_checklist",
    treatment="checklist",
)
CHECKLIST_EFFECT = 0.10  # of those who sign up after it shipped; earlier ones are exposed too

SYNC = Change(
    release="instant-sync",
    shipped_at=datetime(2026, 9, 22, 9, tzinfo=UTC),
    exposure_ends_at=datetime(2026, 10, 13, tzinfo=UTC),
    decides_at=datetime(2026, 10, 27, tzinfo=UTC),
    verdict="harmed",
    main_metric="mean_latency_ms",
    effects={"mean_latency_ms": -25.0, "error_rate": 0.025},
    flag="instant_sync",
    treatment="instant",
)

ICONS = Change(
    release="new-icons",
    shipped_at=datetime(2026, 9, 15, 8, tzinfo=UTC),
    exposure_ends_at=datetime(2026, 10, 5, tzinfo=UTC),
    decides_at=datetime(2026, 10, 19, tzinfo=UTC),
    verdict="no_effect",
    main_metric="tasks_created",
    effects={"tasks_created": 0.0},
    flag="new_icons",
    treatment="new_icons",
)

SEARCH = Change(
    release="search-ranking",
    shipped_at=datetime(2026, 9, 24, 9, tzinfo=UTC),
    exposure_ends_at=datetime(2026, 10, 14, tzinfo=UTC),
    decides_at=datetime(2026, 10, 28, tzinfo=UTC),
    verdict="blocked",
    main_metric="search_success_rate",
    effects={"search_success_rate": 0.06},
    flag="search_ranking",
    treatment="ranked",
    failing_check="sample_ratio",
)
#: The build that forgot to log the treatment's exposures of search-ranking.
BROKEN_PLATFORM, BROKEN_VERSION = "ios", "2.2.0"

DARK_MODE = Change(
    release="dark-mode",
    shipped_at=datetime(2026, 10, 6, 9, tzinfo=UTC),
    exposure_ends_at=datetime(2026, 10, 14, tzinfo=UTC),
    decides_at=datetime(2026, 10, 21, tzinfo=UTC),
    verdict="not_estimable",
    main_metric="comments_posted",
    effects={"comments_posted": None},
)

EXPERIMENTS = (CHECKLIST, SYNC, ICONS, SEARCH)
CHANGES = (*EXPERIMENTS, DARK_MODE)
