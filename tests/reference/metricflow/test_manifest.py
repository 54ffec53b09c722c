"""What landed reads of a definition is what dbt reads of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kinds.compare import catalog_of
from kinds.generate import Drawing
from peer.project import KNOWN_TO_DBT, is_known_to_dbt, parsed, with_inputs, write_dbt_project
from peer.readings import Facts, by_dbt, by_landed

from landed.catalog import Catalog, load_catalog
from landed.project import Home, core_root, load_project
from landed.project.dbt import manifest


def both(catalog: Catalog, path: Path) -> tuple[dict[str, Facts], dict[str, Facts]]:
    """Our reading and dbt's, by name of what was read."""
    given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return by_landed(catalog), by_dbt(given)


def test_every_definition_of_core_and_demo_is_read_as_dbt_reads_it(tmp_path: Path) -> None:
    project = load_project(core_root() / "examples" / "demo")
    path = manifest(project, Home(tmp_path)).with_name("semantic_manifest.json")

    catalog = load_catalog(project)
    ours, theirs = both(catalog, path)

    # dbt drops what stands under product_metrics:, which is where the kinds are that it lacks
    products = {n for n, one in catalog.metrics.items() if one.kind not in KNOWN_TO_DBT}
    assert {name for name in ours if name not in theirs} == {f"metric {one}" for one in products}
    assert len(theirs) > 150
    assert {name: ours[name] for name in theirs} == theirs


def test_drawn_definitions_of_all_kinds_of_dbt_are_read_as_dbt_reads_them(tmp_path: Path) -> None:
    drawing = Drawing(20260402)
    names = drawing.draw(300)
    chosen = [name for name in names if is_known_to_dbt(drawing.metrics, name)]
    metrics = with_inputs(drawing.metrics, chosen)
    path = parsed(write_dbt_project(tmp_path / "dbt", metrics))

    ours, theirs = both(catalog_of(tmp_path / "landed", metrics), path)

    assert {metric["type"] for metric in metrics.values()} == set(KNOWN_TO_DBT)
    assert ours == theirs
