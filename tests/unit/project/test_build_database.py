from __future__ import annotations

from pathlib import Path

import duckdb

from landed.project.build_database import make_room

A_BLOCK = 122_880


def test_a_build_of_more_than_a_block_leaves_its_rows_as_they_were_written(tmp_path: Path) -> None:
    file = built(tmp_path, before=30_000, added=A_BLOCK + 30_000)

    assert blocks(file) == [30_000, A_BLOCK, 30_000]


def test_the_blocks_of_small_builds_are_merged(tmp_path: Path) -> None:
    built(tmp_path, before=30_000, added=20_000)

    file = build_again(tmp_path, added=20_000)

    assert blocks(file) == [70_000]


def test_blocks_are_merged_once_half_as_many_rows_are_dead_as_live(tmp_path: Path) -> None:
    file = built(tmp_path, before=2 * A_BLOCK, added=A_BLOCK + 10, lost=A_BLOCK + 40_000)

    assert sum(blocks(file)) == 2 * A_BLOCK + 10 - 40_000


def test_a_table_with_fewer_dead_rows_is_left_alone(tmp_path: Path) -> None:
    file = built(tmp_path, before=2 * A_BLOCK, added=A_BLOCK + 10, lost=40_000)

    assert sum(blocks(file)) == 3 * A_BLOCK + 10


def built(folder: Path, *, before: int, added: int, lost: int = 0) -> Path:
    """A build database after a build that took rows out of `units` and appended others."""
    file = folder / "build.duckdb"
    with duckdb.connect(str(file)) as first:
        first.execute(f"create table units as select range as unit from range({before})")
    return build_again(folder, added=added, lost=lost)


def build_again(folder: Path, *, added: int, lost: int = 0) -> Path:
    """The same file after one more build."""
    file = folder / "build.duckdb"
    with duckdb.connect(str(file)) as build:
        build.execute("set max_vacuum_tasks = 0; set checkpoint_threshold = '1GB'")
        # by an odd step, so that no block loses all: every checkpoint drops such a block
        build.execute(f"delete from units where (unit * 7919) % {2 * A_BLOCK} < {lost}")
        build.execute(f"insert into units select range from range({added})")
        made = f"select range from range({added})"
        build.execute(f"create or replace table int_event_units as {made}")
        make_room(build.cursor())
    return file


def blocks(file: Path) -> list[int]:
    """Rows of each block of `units`, dead ones included."""
    with duckdb.connect(str(file), read_only=True) as read:
        found = read.execute(
            "select sum(count) from pragma_storage_info('units')"
            " where segment_type <> 'VALIDITY' group by row_group_id order by row_group_id"
        ).fetchall()
    return [int(rows) for (rows,) in found]
