"""Rows of several persons: rows of one person come together, and are no accidents of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping

#: Rows by group of persons: rows in five groups are of five persons at least.
Groups = Mapping[int, int]


def are_of_several(groups: Groups, enough: float, persons: float) -> bool:
    """Whether rows are enough although no person counts for more than a share of what is enough.

    Args:
        groups: The rows. Counts.
        enough: So many it takes. Count, > 0.
        persons: So many persons it takes at least; none counts for more than one part of as many.

    Examples:
        >>> are_of_several({1: 120}, 50, 5)
        False
        >>> are_of_several({1: 120, 2: 9, 3: 9, 4: 9}, 50, 5)
        False
        >>> are_of_several({1: 120, 2: 10, 3: 10, 4: 10, 5: 10}, 50, 5)
        True
    """
    needed, parts = math.ceil(enough), math.ceil(persons)
    return sum(min(rows * parts, needed) for rows in groups.values()) >= needed * parts
