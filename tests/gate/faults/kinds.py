"""The words of a fault: what is planted, how large, and which check has to see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .case import Case
from .product import SMALL

Plant = Callable[[Case], None]


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Args:
        name: Slug.
        size: What is planted, with its size, for people.
        expected: Checks of which one at least has to fail.
        plant: Breaks the lake, before the models are built.
        after: Breaks the marts or what the run is told, once they are built.
        means: `block`: the release is not published. `warn`: it may be, with the check's warning
            and the clean twin's verdict. `same`: nothing fails and no number moves.
        is_statistical: Whether chance decides; then 24 of 25 seeds are enough.
        people: Size of the product.
        tested: Whether the models' data tests run on the marts.
    """

    name: str
    size: str
    expected: tuple[str, ...]
    plant: Plant | None = None
    after: Plant | None = None
    means: Literal["block", "warn", "same"] = "block"
    is_statistical: bool = False
    people: int = SMALL
    tested: bool = False


def edit(*statements: str) -> Plant:
    """A plant of SQL; `{seed}` stands for the seed, so that each draws other rows.

    Rows that it adds to the lake have been accepted under ids of their own.
    """

    def plant(case: Case) -> None:
        for statement in statements:
            case.sql(statement.format(seed=case.drawn.seed))
            if " lake.events " in statement:
                case.count_rows()

    return plant


def some(share: float, of: str = "user_id", salt: str = "") -> str:
    """SQL that holds for a share of the values of a column, others by seed."""
    return f"hash({of}, {{seed}}, '{salt}') % 10000 < {round(share * 10_000)}"
