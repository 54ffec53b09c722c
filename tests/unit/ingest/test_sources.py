import pytest

from landed.errors import ContractError, SourceError
from landed.ingest import load_sources, pending

PLAIN = "kind: events\nformat: csv\npath: events/*\n"
GOOD = "select id as user_id, what as event_name, at_ as occurred_at from raw"


def test_a_source_is_read_with_its_defaults(world):
    world.source("app", f"{PLAIN}select: {GOOD}\nevent_id: content\n")

    source = load_sources(world.project)["app"]

    assert (source.kind, source.timezone, source.complete_through) == ("events", "UTC", None)
    assert source.is_in_landing


def test_all_faults_of_all_sources_are_told_at_once(world):
    world.source("a", "kind: things\nformat: csv\npath: x\nslect: z\n")
    world.source("b", "kind: events\nformat: jsonl\npath: x\ntimezone: Mars/Base\n")
    (world.project.sources / "c.yml").write_text(
        "source: d\nkind: events\nformat: jsonl\npath: x\ncomplete_through: 2026-02-30T00:00:00Z\n"
    )

    with pytest.raises(ContractError) as caught:
        load_sources(world.project)

    text = str(caught.value)
    assert len(caught.value.faults) == 5
    assert "slect" in text
    assert "things" in text
    assert "Mars/Base" in text
    assert "source is `d`" in text
    assert "2026-02-30" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("timezone: localtime", "timezone is 'localtime'"),
        ("timezone: posixrules", "timezone is 'posixrules'"),
        ("timezone: right/Europe/Berlin", "timezone is 'right/Europe/Berlin'"),
        ("timezone: posix/Europe/Berlin", "timezone is 'posix/Europe/Berlin'"),
        ("complete_through: 0001-01-01T00:00:00+14:00", "complete_through is 0001-01-01"),
        ("complete_through: 9999-12-31T23:59:59-14:00", "complete_through is 9999-12-31"),
    ],
)
def test_a_zone_of_the_machine_and_an_instant_out_of_time_are_refused(world, line, message):
    world.source("app", f"{PLAIN}select: {GOOD}\n{line}\n")

    with pytest.raises(ContractError, match=message):
        load_sources(world.project)


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("copy raw to 'x.csv'", "holds copy"),
        ("select 1; drop table raw", "holds select, drop"),
        ("with x as (copy raw to 'x.csv') select * from x", "does not parse"),
        ("with x as (select * from raw) select * from x", "a with clause"),
        (f"{GOOD} union all {GOOD}", "one select"),
        ("select * from read_csv('/etc/passwd')", "reads"),
        ("select * from other", "reads other"),
        ("select * from raw, raw as again", "a join|reads"),
        ("select * from raw join other using (id)", "a join"),
        ("select r.id as user_id from raw as r", "raw is called `r`"),
        ("select * from (select * from raw)", "query inside"),
        ("select id as user_id, (select 1) as event_name from raw", "query inside"),
        ("select max(id) as user_id from raw", "aggregate"),
        ("select unnest([1, 2]) as user_id from raw", "unnest"),
        ("select id as user_id from raw group by id", "group by"),
        (f"{GOOD} order by id", "order by"),
        (f"{GOOD} limit 5", "limit"),
        ("select distinct id as user_id from raw", "distinct"),
        ("from raw", "starts with `from`"),
        ("select id as user_id, id as wrong from raw", "gives wrong"),
        ("select id as user_id, lower(what) from raw", "an expression without a name"),
        ("select id as user_id, what as event_name from raw", "lacks occurred_at"),
        ("select what as event_name, at_ as occurred_at from raw", "names nobody"),
        ("select id as", "does not parse"),
    ],
)
def test_a_select_that_is_no_plain_projection_is_refused(world, select, message):
    text = select.replace("'", "''")
    world.source("app", f"{PLAIN}event_id: content\nselect: '{text}'\n")

    with pytest.raises(ContractError, match=message):
        load_sources(world.project)


def test_a_select_without_an_id_asks_for_one(world):
    world.source("app", f"{PLAIN}select: {GOOD}\n")

    with pytest.raises(ContractError, match="event_id: content"):
        load_sources(world.project)


def test_sources_without_files_are_told_all_at_once_before_anything_is_read(world, event):
    world.source("a", "kind: events\nformat: jsonl\npath: ./gone/*.jsonl\n")
    world.source("b", f"kind: events\nformat: jsonl\npath: {world.home.root}/nowhere.jsonl\n")
    world.source("c", "kind: events\nformat: jsonl\npath: events/*\n")
    world.land("events/a.jsonl", event(1))

    with pytest.raises(SourceError) as caught:
        world.ingest()

    assert len(caught.value.faults) == 2
    assert str(world.project.root / "gone/*.jsonl") in str(caught.value)
    assert not world.home.ledger.exists()


def test_an_empty_landing_folder_is_no_fault(events):
    account = events.one()

    assert (account.files_new, account.rows_in) == (0, 0)


def test_a_path_with_dots_starts_at_the_project(world, event):
    (world.project.root / "data").mkdir()
    (world.project.root / "data" / "a.jsonl").write_text(event(1))
    world.source("app", "kind: events\nformat: jsonl\npath: ./data/*.jsonl\n")

    assert world.one().accepted == 1


def test_only_names_the_sources_to_read(world, event):
    world.source("a", "kind: events\nformat: jsonl\npath: a/*\n")
    world.source("b", "kind: events\nformat: jsonl\npath: ./gone\n")
    world.land("a/1.jsonl", event(1))

    assert [account.source for account in world.ingest(only=["a"]).accounts] == ["a"]
    with pytest.raises(SourceError, match="no source is called c"):
        world.ingest(only=["a", "c"])


def test_pending_names_files_that_the_ledger_has_not_claimed(events, event):
    first = events.land("events/a.jsonl", event(1))
    assert [file.path for file in pending(events.project, events.home)] == [first]

    events.ingest()
    assert pending(events.project, events.home) == []

    events.land("events/copy.jsonl", event(1))
    second = events.land("events/b.jsonl", event(2))
    assert [file.path for file in pending(events.project, events.home)] == [second]


def test_a_row_that_the_select_leaves_out_is_accounted_for(world):
    world.source("app", f"{PLAIN}select: {GOOD} where what <> 'noise'\nevent_id: row_id\n")
    world.land("events/a.csv", "row_id,id,what,at_\n1,u,view,2026-11-01\n2,u,noise,2026-11-01\n")

    account = world.one()

    assert (account.accepted, account.reasons) == (1, {"not_selected": 1})
    assert world.rows("select event_id from lake.events") == [("1",)]


def test_a_column_that_the_file_lacks_is_named(world):
    world.source("app", f"{PLAIN}select: {GOOD}\nevent_id: content\n")
    world.land("events/a.csv", "id,what\n1,view\n")

    with pytest.raises(SourceError, match="at_"):
        world.ingest()


def test_a_select_reads_no_file_at_run_time(world, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    read = f"(read_text('{tmp_path}/secret.txt')).content"
    select = f"select id as user_id, {read} as event_name, at_ as occurred_at from raw"
    world.source("app", f'{PLAIN}event_id: content\nselect: "{select}"\n')
    world.land("events/a.csv", "id,at_\n1,2026-11-01\n")

    with pytest.raises((SourceError, ContractError)):
        world.ingest()


def test_awkward_keys_can_be_selected(world):
    select = (
        'select "user.id" as user_id, "Wh/at~x" as event_name, "it\'s" as occurred_at,'
        " json_object('k', \"Key\") as properties from raw"
    )
    world.source("app", f"kind: events\nformat: jsonl\npath: events/*\nevent_id: content\n"
                 f"select: >-\n  {select}\n")  # fmt: skip
    one = '{"user.id": "u", "Wh/at~x": "view", "it\'s": "2026-11-01", "key": "a", "_row": 5}\n'
    world.land("events/a.jsonl", one + one.replace('"key"', '"KEY"').replace('"a"', '"b"'))

    assert world.one().accepted == 2
    found = world.rows("select properties from lake.events order by 1")
    assert found == [('{"k":"a"}',), ('{"k":"b"}',)]


def test_star_is_a_select_too_when_the_columns_fit(world):
    world.source("app", f"{PLAIN}select: select * from raw\n")
    head = "event_id,event_name,occurred_at,user_id"
    world.land("events/a.csv", f"{head}\n1,view,2026-11-01,u\n")
    assert world.one().accepted == 1

    world.land("events/b.csv", f"{head},colour\n2,view,2026-11-01,u,red\n")
    with pytest.raises(SourceError, match="unknown colour"):
        world.ingest()
