"""Queries that must be refused, the token each refusal names, and what its fix changes."""

from __future__ import annotations

WEEKS = (
    "WITH w AS (SELECT date_trunc('week', metric_time) AS week, MEASURE(events) AS v "
    "FROM metrics GROUP BY 1)"
)
PLANS = "WITH p AS (SELECT plan, MEASURE(events) AS v FROM metrics GROUP BY plan)"
BOTH = f"{PLANS}, q AS (SELECT plan, MEASURE(errors) AS e FROM metrics GROUP BY plan)"

Edit = tuple[str, str] | None

#: Query, the token that its refusal names, and (old, new) where the fix is not a form of words.
REFUSED: list[tuple[str, str, Edit]] = [
    # statements that are no query over metrics
    ("drop table metrics", "`DROP`", None),
    ("create table x as select 1", "`CREATE`", None),
    ("insert into metrics values (1)", "`INSERT`", None),
    ("update metrics set plan = 1", "`UPDATE`", None),
    ("delete from metrics", "`DELETE`", None),
    ("truncate metrics", "`TRUNCATE`", None),
    ("copy metrics to '/tmp/x'", "`COPY`", None),
    ("attach '/tmp/x.duckdb'", "`ATTACH`", None),
    ("install httpfs", "`INSTALL`", None),
    ("load httpfs", "`LOAD`", None),
    ("pragma version", "`PRAGMA`", None),
    ("set threads = 99", "`SET`", None),
    ("call pragma_version()", "`CALL`", None),
    ("explain select 1", "`EXPLAIN`", None),
    ("describe metrics", "`DESCRIBE`", None),
    ("show tables", "`SHOW`", None),
    ("grant all on metrics to public", "`GRANT`", None),
    ("begin", "`BEGIN`", None),
    ("values (1)", "`VALUES`", None),
    ("table metrics", "`TABLE`", None),
    ("from metrics", "`FROM`", None),
    ("with x as (copy (select 1) to '/tmp/x') select 1", "`", ("*", "")),
    ("with x as (delete from metrics returning *) select * from x", "`DELETE`", None),
    ("with x as (insert into metrics values (1)) select 1 from x", "`INSERT`", None),
    (
        "select measure(events) from metrics; drop table metrics",
        "one statement",
        ("; drop table metrics", ""),
    ),
    ("select measure(events) into t from metrics", "`INTO`", (" into t", "")),
    ("select measure(events) from metrics for update", "`FOR UPDATE`", (" for update", "")),
    # other relations
    ("select measure(events) from fct_events", "`fct_events`", ("fct_events", "metrics")),
    ("select measure(events) from main.metrics", "`main.metrics`", ("main.metrics", "metrics")),
    (
        "select measure(events) from read_csv('/etc/passwd')",
        "READ_CSV",
        ("read_csv('/etc/passwd')", "metrics"),
    ),
    ("select measure(events) from '/etc/passwd'", "etc/passwd", ("'/etc/passwd'", "metrics")),
    (
        "select measure(events) from information_schema.tables",
        "`information_schema.tables`",
        ("information_schema.tables", "metrics"),
    ),
    (
        "select measure(events) from duckdb_settings()",
        "DUCKDB_SETTINGS",
        ("duckdb_settings()", "metrics"),
    ),
    (
        "select measure(events) from generate_series(1, 1000000000)",
        "GENERATE_SERIES",
        ("generate_series(1, 1000000000)", "metrics"),
    ),
    (
        "select measure(events) from metrics tablesample (10)",
        "`TABLESAMPLE`",
        (" tablesample (10)", ""),
    ),
    (f"{PLANS} select v from dim_units", "`dim_units`", ("dim_units", "p")),
    (f"{PLANS} select v from pp", "`pp`", ("from pp", "from p")),
    (f"{PLANS} select v from p, lateral (select 1) x", "LATERAL", (", lateral (select 1) x", "")),
    (f"{PLANS} select v from p, metrics", "`metrics`", (", metrics", "")),
    # functions
    (
        "select read_text('/etc/passwd') as x, measure(events) from metrics",
        "`read_text()`",
        ("read_text('/etc/passwd')", "length('/etc/passwd')"),
    ),
    (
        f"{PLANS} select repeat(plan, 1000000000) from p",
        "`repeat()`",
        ("repeat(plan, 1000000000)", "upper(plan)"),
    ),
    (
        f"{PLANS} select lpad(plan, 1000000000, 'x') from p",
        "pad",
        ("lpad(plan, 1000000000, 'x')", "upper(plan)"),
    ),
    (f"{PLANS} select pg_sleep(10) from p", "`pg_sleep()`", ("pg_sleep(10)", "abs(v)")),
    (f"{PLANS} select getenv('HOME') from p", "`getenv()`", ("getenv('HOME')", "lower(plan)")),
    (
        f"{PLANS} select string_agg(plan, ',') from p",
        "group_concat()",
        ("string_agg(plan, ',')", "max(plan)"),
    ),
    (f"{PLANS} select plan || plan from p", "`||`", ("plan || plan", "plan, plan as again")),
    (f"{PLANS} select array_agg(v) from p", "array_agg()", ("array_agg(v)", "sum(v)")),
    (f"{PLANS} select random() from p", "rand()", ("random()", "row_number() over ()")),
    (f"{PLANS} select v from p where plan ~ '(a+)+$'", "`~`", ("~ '(a+)+$'", "LIKE 'a%'")),
    (
        "select measure(events) from metrics where pg_sleep(9) is null",
        "pg_sleep",
        ("pg_sleep(9)", "lower(plan)"),
    ),
    (
        "select measure(events) from metrics where metric_time > now()",
        "`CURRENT_TIMESTAMP",
        ("now()", "current_date"),
    ),
    (
        "select measure(events) from metrics where metric_time > '2026-01-01'::timestamptz",
        "TIMESTAMPTZ",
        ("timestamptz", "timestamp"),
    ),
    (f"{PLANS} select cast(plan as json) from p", "`JSON`", ("json", "varchar")),
    # metrics and dimensions
    ("select measure(evnets) from metrics", "`evnets`", None),
    ("select measure(events), pln from metrics group by pln", "`pln`", None),
    ("select events from metrics", "`events`", None),
    ("select measure(events), plan from metrics", "`plan`", None),
    ("select measure(events), platform from metrics group by platform", "`platform`", None),
    ("select * from metrics", "`*`", None),
    ("select sum(events) from metrics", "`sum`", ("sum(events)", "measure(events)")),
    ("select count(*) from metrics", "`count`", ("count(*)", "measure(events)")),
    (
        "select avg(measure(events)) from metrics",
        "`avg`",
        ("avg(measure(events))", "measure(events)"),
    ),
    (
        "select measure(events, errors) from metrics",
        "MEASURE(events, errors)",
        ("events, errors", "events"),
    ),
    (
        "select plan from metrics group by plan",
        "no metric",
        ("select plan", "select plan, measure(events)"),
    ),
    (
        "select measure(events), metric_time from metrics group by 2",
        "`metric_time`",
        ("metric_time from", "date_trunc('day', metric_time) from"),
    ),
    (
        "select measure(events), date_trunc('fortnight', metric_time) from metrics group by 2",
        "`fortnight`",
        ("fortnight", "week"),
    ),
    (
        "select measure(events), upper(plan) from metrics group by upper(plan)",
        "UPPER(plan)",
        ("by upper(plan)", "by plan"),
    ),
    (
        "select measure(events) from metrics where measure(events) > 1",
        "MEASURE(events)",
        ("where", "having"),
    ),
    ("select measure(events) from metrics having plan = 'pro'", "`plan`", ("having", "where")),
    (
        "select measure(events) from metrics order by plan",
        "`plan`",
        ("order by plan", "order by 1"),
    ),
    ("select measure(events) from metrics order by 9", "`9`", ("9", "1")),
    ("select measure(events) from metrics limit 1.5", "`1.5`", ("limit 1.5", "LIMIT 100")),
    ("select measure(events) from metrics offset -1", "-1", ("offset -1", "OFFSET 10")),
    (
        "select measure(events) as a, measure(errors) as a from metrics",
        "`a`",
        ("measure(errors) as a", "measure(errors) as b"),
    ),
    (
        "select measure(events) filter (where measure(errors) > 1) from metrics",
        "measure",
        ("measure(errors) > 1", "plan = 'pro'"),
    ),
    ("select sum(events) filter (where plan = 'pro') from metrics", "`sum`", ("sum(", "MEASURE(")),
    (
        "select measure(active_share) filter (where variant = 'x') from metrics",
        "release",
        (" filter (where variant = 'x')", ""),
    ),
    (
        "select measure(events) from metrics where plan in (select 'pro')",
        "subquery",
        ("select 'pro'", "'pro'"),
    ),
    (
        "select measure(events) from metrics where plan = any (array['pro'])",
        "ANY",
        ("= any (array['pro'])", "in ('pro')"),
    ),
    (
        "select measure(events) from metrics where metric_time > date '2026-02-30'",
        "`2026-02-30`",
        ("2026-02-30", "2026-01-31"),
    ),
    (
        "select measure(events) from metrics "
        "where metric_time > current_date - interval '1 fortnight'",
        "fortnight",
        ("1 fortnight", "7 days"),
    ),
    # around metrics
    ("select 1", "`SELECT 1`", ("select 1", "select measure(events) FROM metrics")),
    (
        "with recursive w as (select 1 union all select * from w) select * from w",
        "`RECURSIVE`",
        ("with recursive w as (select 1 union all select * from w)", WEEKS),
    ),
    (
        "with w(a) as (select measure(events) from metrics) select a from w",
        "`w`",
        ("w(a) as (select measure(events)", "w as (select measure(events) as a"),
    ),
    (
        "with metrics as (select 1) select measure(events) from metrics",
        "`metrics`",
        ("with metrics as (select 1) ", ""),
    ),
    (f"{WEEKS} select measure(v) from w", "MEASURE(v)", ("measure(v)", "v")),
    (f"{WEEKS} select from w", "selects nothing", ("select from", "select v from")),
    (f"{WEEKS} select v from w where v is 1", "is no test", ("is 1", "IS NULL")),
    (f"{WEEKS} select x from w", "`x`", ("select x", "select v")),
    (f"{WEEKS} select z.v from w", "`z`", ("z.v", "w.v")),
    (f"{WEEKS} select week, sum(v) from w", "`week`", ("from w", "from w GROUP BY week")),
    (f"{WEEKS} select sum(sum(v)) from w", "SUM(v)", ("sum(sum(v))", "sum(v)")),
    (f"{WEEKS} select v from w where sum(v) > 1", "SUM(v)", ("where sum(v) > 1", "where v > 1")),
    (
        f"{WEEKS} select v from w where rank() over (order by v) = 1",
        "RANK()",
        ("where rank() over (order by v) = 1", ""),
    ),
    (f"{WEEKS} select lag(v) from w", "LAG(v)", ("lag(v)", "lag(v) OVER (ORDER BY week)")),
    (
        f"{WEEKS} select sum(v) over x from w window x as (order by week)",
        "`WINDOW`",
        ("over x from w window x as (order by week)", "over (order by week) from w"),
    ),
    (
        f"{WEEKS} select sum(v) over (order by week range between interval '1 day' preceding "
        "and current row) from w",
        "frame",
        ("range between interval '1 day' preceding", "ROWS BETWEEN 6 PRECEDING"),
    ),
    (f"{WEEKS} select v from w qualify v > 1", "`QUALIFY`", ("qualify", "WHERE")),
    (
        f"{WEEKS} select distinct on (week) week, v from w",
        "`DISTINCT ON`",
        ("distinct on (week) week, v", "week, row_number() OVER (partition by week)"),
    ),
    (f"{BOTH} select v from p join q on true", "TRUE", ("on true", "USING (plan)")),
    (f"{BOTH} select v from p cross join q", "`q`", ("cross join q", "JOIN q USING (plan)")),
    (
        f"{BOTH} select v from p, q where p.plan = q.plan",
        "`q`",
        (", q where p.plan = q.plan", " JOIN q USING (plan)"),
    ),
    (f"{BOTH} select v from p join q on 1 = 1", "1 = 1", ("on 1 = 1", "ON p.plan = q.plan")),
    (
        f"{BOTH} select v from p natural join q",
        "`NATURAL`",
        ("natural join q", "join q using (plan)"),
    ),
    (
        f"{BOTH} select plan from p join q on p.plan = q.plan",
        "`plan`",
        ("select plan", "select p.plan"),
    ),
    (f"{BOTH} select v from p join q using (v)", "`v`", ("using (v)", "using (plan)")),
    (
        f"{BOTH} select v from p union all select plan, e from q",
        "UNION of 1 and 2",
        ("select plan, e", "select e"),
    ),
    (
        f"{BOTH} select v from p intersect select e from q",
        "`INTERSECT`",
        ("intersect", "union all"),
    ),
    (
        f"{BOTH} select v, (select e from q) from p",
        "several rows",
        ("(select e from q)", "(select max(e) from q)"),
    ),
    (
        f"{BOTH} select v from p where exists (select 1 from q)",
        "EXISTS",
        ("exists (select 1 from q)", "plan IN (select plan from q)"),
    ),
    (
        f"{BOTH} select v from p where v > all (select e from q)",
        "ALL",
        ("all (select e from q)", "(SELECT max(e) from q)"),
    ),
    # size and depth
    ("", "empty", ("", "select measure(events) from metrics")),
    (
        "select " + "(" * 60 + "1" + ")" * 60,
        "nests brackets",
        ("(" * 60 + "1" + ")" * 60, "measure(events) from metrics"),
    ),
    (
        "select measure(events) from metrics where " + "not " * 900 + "true",
        "nests too deeply",
        ("not " * 900 + "true", "plan is null"),
    ),
    (
        f"{PLANS} select v from p where " + "v > 1 or " * 300 + "true",
        "nests too deeply",
        ("v > 1 or " * 300 + "true", "v > 1"),
    ),
    (
        f"{PLANS} select " + " + ".join(["v"] * 400) + " from p",
        "nests too deeply",
        (" + ".join(["v"] * 400), "400 * v"),
    ),
    (f"{PLANS} select " + "- " * 700 + "v from p", "nests too deeply", ("- " * 700, "- ")),
    (
        f"{PLANS} select " + "case when v > 1 then " * 200 + "1" + " end" * 200 + " from p",
        "nests too deeply",
        ("case when v > 1 then " * 200 + "1" + " end" * 200, "v"),
    ),
    (f"{PLANS} select v" + "::int" * 250 + " from p", "nests too deeply", ("::int" * 250, "::int")),
    (
        "select measure(events) from metrics where plan in (" + ", ".join(["'x'"] * 2000) + ")",
        "characters",
        (", ".join(["'x'"] * 2000), "'x'"),
    ),
    (
        "select measure(events) from metrics where plan in (" + ",".join(["1"] * 3000) + ")",
        "words and signs",
        (",".join(["1"] * 3000), "'x'"),
    ),
    (
        "select measure(events) from metrics where plan = '" + "x" * 1_000_000 + "'",
        "characters",
        ("x" * 1_000_000, "x"),
    ),
    (
        "select measure(events) from metrics " + "-- x\n" * 200_000,
        "characters",
        ("-- x\n" * 200_000, ""),
    ),
    (
        f"{PLANS} select v from p" + " union all select v from p" * 40,
        "SELECTs",
        (" union all select v from p" * 40, ""),
    ),
    (
        f"{PLANS} select p.v from p"
        + "".join(f" join p as p{i} on p.plan = p{i}.plan" for i in range(9)),
        "joins 9",
        ("".join(f" join p as p{i} on p.plan = p{i}.plan" for i in range(9)), ""),
    ),
    (f"{PLANS} select v from p where plan = '" + "x" * 1200 + "'", "characters", ("x" * 1200, "x")),
    (f"{PLANS} select v * {'9' * 60} from p", "no number", ("9" * 60, "9")),
    # what hides
    (
        "select measure(events) /* */ from metrics /* ; */ ; /* */ drop table x --",
        "one statement",
        ("; /* */ drop table x --", ""),
    ),
    ("/* select */ drop table metrics", "`DROP`", None),
    ("ѕelect measure(events) from metrics", "ѕelect", ("ѕ", "s")),
    ("select measure(events) from metriсs", "`metriсs`", ("metriсs", "metrics")),
    ("select measure(еvents) from metrics", "`еvents`", None),
    ("select measure(events) from metrics where plan = ＇pro＇", "＇pro＇", ("＇pro＇", "'pro'")),
    (
        'select measure(events) from "metrics; drop table x"',
        "drop table x",
        ('"metrics; drop table x"', "metrics"),
    ),
    ("select measure(events) from metrics where plan = $1", "placeholder", ("$1", "'pro'")),
    ("select measure(events) from metrics where plan = :name", "placeholder", (":name", "'pro'")),
    ("select measure(events) from metrics where plan = '{{ x }}'", "{{ x }}", ("{{ x }}", "x")),
    (f"{PLANS} select v from p where plan = $$x$$ || ''", "`||`", ("$$x$$ || ''", "'x'")),
]
