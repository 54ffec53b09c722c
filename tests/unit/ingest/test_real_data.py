"""Real files that nobody here wrote; skipped where they are absent."""

COURSE_PAGE = """kind: events
format: csv
path: {data}/course_page_experiment/*.csv
select: |
  select id as user_id, action as event_name, timestamp as occurred_at, json_object(
           'duration_seconds', try_cast(duration as double), 'variant', "group") as properties
  from raw
event_id: content
complete_through: 2017-01-19T00:00:00Z
"""
ISSUES = """kind: feedback
format: csv
path: {data}/issue_feedback/*.csv
select: |
  select created_at as given_at, 'github_issues' as channel,
         concat_ws(chr(10), title, body) as text,
         json_object('product', repo, 'type', label) as properties
  from raw
event_id: content
"""


def test_the_course_page_log_is_accounted_for_to_the_last_row(world, real_data):
    world.source("course_page", COURSE_PAGE.format(data=real_data))

    account = world.one()

    # the file's first four rows stand in it twice
    assert (account.rows_in, account.accepted, account.duplicate) == (4074, 4070, 4)
    found = world.rows(
        "select count(*) filter (json_type(properties, '$.duration_seconds') = 'DOUBLE'),"
        " count(*) filter (json_type(properties, '$.duration_seconds') = 'NULL'),"
        " min(occurred_at)::varchar from lake.events where event_name = 'view'"
    )
    assert found[0][1] == 20
    assert found[0][2] == "2016-09-24 17:14:52.012145"


def test_every_issue_with_its_many_lines_is_one_row(world, real_data):
    world.source("issues", ISSUES.format(data=real_data))

    account = world.one()

    assert (account.rows_in, account.accepted) == (1472, 1472)
    found = world.rows(
        "select json_extract_string(properties, '$.type'), count(*) from lake.feedback"
        " group by 1 order by 1"
    )
    assert [name for name, _ in found] == ["bug", "feature", "question"]


def test_both_come_again_as_the_same_rows(world, real_data):
    world.source("course_page", COURSE_PAGE.format(data=world.home.landing))
    world.source("issues", ISSUES.format(data=world.home.landing))
    folders = ("course_page_experiment", "issue_feedback")
    files = [path for folder in folders for path in (real_data / folder).glob("*.csv")]
    assert len(files) == 2
    for path in files:
        world.land(f"{path.parent.name}/{path.name}", path.read_bytes())
    world.ingest()

    for path in files:  # an empty line more makes it another file
        world.land(f"{path.parent.name}/again.csv", path.read_bytes() + b"\n")
    again = {account.source: account for account in world.ingest().accounts}

    counts = {name: (one.rows_in, one.accepted, one.duplicate) for name, one in again.items()}
    assert counts == {"course_page": (4074, 0, 4074), "issues": (1472, 0, 1472)}
