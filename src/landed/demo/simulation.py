"""Simulates one batch of users from sign-up to the last day, in memory."""

from __future__ import annotations

from ..errors import PlanError
from . import design
from .arms import assign
from .columns import Columns, Rows
from .people import draw_people, draw_sessions
from .product import (
    Product,
    collaboration,
    first_exposures,
    flag_evaluations,
    onboarding,
    payments,
    requests,
    searches,
    tasks,
    visits,
)
from .voices import draw_feedback


def simulate(users: int = 20_000, days: int = 60, seed: int = 7, *, first_user: int = 0) -> Columns:
    """Simulate the product for some users, without writing anything.

    The same arguments give the same columns. Users are independent of each other, so a large
    product is simulated batch by batch.

    Args:
        users: People in this batch; >= 1.
        days: Days from 2026-09-01T00:00:00Z on; >= 60.
        seed: Where all randomness comes from; >= 0.
        first_user: Number of the batch's first user; >= 0.

    Returns:
        Everything that happened, as columns.

    Raises:
        PlanError: An argument is out of its range.

    Examples:
        >>> columns = simulate(users=100, seed=1)
        >>> len(columns.kinds["signed_up"])
        100
    """
    check_size(users, days, seed)
    people = draw_people(users, seed, first_user)
    product = Product(people, draw_sessions(people, days, seed), seed)
    first_exposures(product)
    created = tasks(product)
    assign(product, created)
    effects: dict[str, tuple[float, int]] = {}
    kinds: dict[str, Rows] = {created.name: created}
    for group in (
        visits(product),
        onboarding(product, effects),
        flag_evaluations(product),
        collaboration(product),
        searches(product),
        requests(product),
        payments(product),
    ):
        kinds.update({rows.name: rows for rows in group})
    return Columns(
        first_user=first_user,
        users=users,
        sessions=product.sessions,
        kinds=kinds,
        feedback=draw_feedback(product),
        true_exposure=product.exposure,
        treated=product.treated,
        effects=effects,
    )


def check_size(users: int, days: int, seed: int) -> None:
    """Refuse a size that the demo's releases do not fit into.

    Raises:
        PlanError: An argument is out of its range.
    """
    for name, value, least in (
        ("users", users, 1),
        ("days", days, design.MINIMUM_DAYS),
        ("seed", seed, 0),
    ):
        if value < least:
            raise PlanError(
                f"{name} is {value}",
                expected=f"at least {least}",
                where="the demo's size",
                fix=f"pass {name} >= {least}.",
                code="demo_size",
            )
