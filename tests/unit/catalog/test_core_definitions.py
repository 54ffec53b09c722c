from __future__ import annotations

from pathlib import Path

import pytest

from landed.catalog import Catalog, NoUnitForm, load_catalog
from landed.compiler import MetricQuery, compile_query
from landed.project import Project


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The core as an empty project sees it."""
    return load_catalog(Project(tmp_path_factory.mktemp("empty"), "empty"))


def test_the_core_defines_the_population_that_releases_divide_by(core: Catalog) -> None:
    assert core.models_read_by("exposed_units") == {"fct_exposures"}
    assert isinstance(core.unit_form("exposed_units"), NoUnitForm)


def test_every_core_metric_compiles_alone_and_by_month(core: Catalog) -> None:
    assert len(core.metrics) > 10
    for name in core.metrics:
        assert compile_query(core, MetricQuery((name,))).columns[0].name == name
        by_month = MetricQuery((name,), group_by=("metric_time",), grain="month")
        assert core.models_read_by(name) == compile_query(core, by_month).models


def test_every_core_metric_is_documented_where_it_stands(core: Catalog) -> None:
    for name, metric in core.metrics.items():
        assert metric.path == Path(metric.path.parent) / f"{name}.yml"
        assert metric.revision is not None, name
