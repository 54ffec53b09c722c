"""What an engine cannot compute, said of the metrics that need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..catalog.catalog import Catalog
from ..catalog.names import show
from ..errors import Fault
from .dialects import Inexpressible


def by_metric(
    error: Inexpressible,
    catalog: Catalog,
    metrics: Sequence[str],
    compile_alone: Callable[[str], object],
) -> Inexpressible:
    """The same refusal, with each metric that cannot be written, its kind and the reason.

    Args:
        error: What the whole query met.
        metrics: Those of the query.
        compile_alone: Compiles one of them in the same way.
    """
    faults = []
    for name in metrics:
        try:
            compile_alone(name)
        except Inexpressible as own:
            metric = catalog.metric(name)
            what = (
                f"the {metric.kind} metric {show(name)} cannot be written for {own.dialect} with "
                f"the same value: it needs {own.construct}"
            )
            faults.append(Fault(what, "", str(metric.path), own.fix, own.code))
    return Inexpressible(error.dialect, error.construct, error.fix, faults)
