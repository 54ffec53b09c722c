"""What is known of a unit as of its exposure: what a release may be cut into segments by."""

from __future__ import annotations

from .definitions import EXPOSURES_MODEL
from .expressions import column_names, parse_column_expression
from .formulas import Vocabulary

#: Columns of the exposures that say nothing of what a unit was when it was exposed.
_OTHER = frozenset(
    {
        "release",
        "unit_id",
        "variant",
        "cluster_id",
        "is_in_two_clusters",
        "is_crossover",
        "is_bot",
        "exposure_count",
    }
)


def segment_expressions(vocabulary: Vocabulary) -> dict[str, str]:
    """Dimensions of the unit that `fct_exposures` knows as of the exposure.

    A column of the exposures with the name of one of the unit's holds its value at that moment, so
    a dimension of the unit whose columns all stand there is read from there instead.

    Returns:
        The column expression by the dimension's name.
    """
    units = vocabulary.units
    exposures = next(
        (model for model, _ in vocabulary.measures.values() if model.model == EXPOSURES_MODEL),
        None,
    )
    if units is None or exposures is None:
        return {}
    known = set(exposures.columns) - _OTHER
    return {
        name: one.expr
        for name, one in units.dimensions.items()
        if one.kind == "categorical"
        and set(column_names(parse_column_expression(one.expr))) <= known
    }
