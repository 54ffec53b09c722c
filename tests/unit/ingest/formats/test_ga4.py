def params(**values):
    """Parameters as BigQuery extracts them: one value set, integers as text."""

    def value(one):
        kind = "string_value" if isinstance(one, str) else "int_value"
        return {"double_value": one} if isinstance(one, float) else {kind: str(one)}

    return [{"key": key, "value": value(one)} for key, one in values.items()]


PAGE_VIEW = {
    "event_date": "20261101",
    "event_timestamp": "1793527200123456",
    "event_name": "page_view",
    "event_params": params(
        ga_session_id=1793527100, page_title='The "best"', ratio=0.5, big=9007199254740993
    ),
    "user_pseudo_id": "p1",
    "user_properties": params(plan="pro"),
    "user_ltv": {"revenue": 0, "currency": "EUR"},
    "is_active_user": False,
    "device": {"category": "mobile", "web_info": {"browser": "Chrome"}},
    "geo": {"country": "Germany"},
    "app_info": {"version": "3.1"},
    "stream_id": "7",
    "platform": "WEB",
    "batch_page_id": "1",
    "batch_ordering_id": "2",
    "batch_event_index": "1",
}
SECOND = {**PAGE_VIEW, "event_name": "scroll", "batch_event_index": "2", "user_id": "u1"}
TWIN = {**SECOND, "batch_event_index": "3"}
OLD = {
    "event_timestamp": "1793527201000000",
    "event_name": "purchase",
    "event_params": params(value=5),
    "user_pseudo_id": "p2",
    "event_bundle_sequence_id": "11",
    "items": [{"item_id": "sku"}],
}


def test_rows_become_events(source):
    ga4 = source("ga4")

    account = ga4.take(PAGE_VIEW, SECOND, TWIN, OLD)

    assert account.accepted == 4
    at = "2026-11-01 10:00:00.123456"
    assert sorted(row[1:] for row in ga4.rows()) == [
        ("page_view", at, None, None, "p1", "p1.1793527100", "3.1"),
        ("purchase", "2026-11-01 10:00:01", None, None, "p2", None, None),
        ("scroll", at, None, "u1", "p1", "p1.1793527100", "3.1"),
        ("scroll", at, None, "u1", "p1", "p1.1793527100", "3.1"),
    ]
    assert ga4.deliver_again() == (0, 4)


def test_parameters_become_members_of_the_properties(source):
    ga4 = source("ga4")

    ga4.take(PAGE_VIEW, OLD)

    found = ga4.properties().values()
    (page_view,) = [one for one in found if "ratio" in one]
    assert page_view == {
        "ga_session_id": 1793527100,
        "page_title": 'The "best"',
        "ratio": 0.5,
        "big": 9007199254740993,
        "platform": "web",
        "country": "Germany",
        "plan": "pro",
        "stream_id": "7",
        "user_properties": {"plan": "pro"},
        "device": PAGE_VIEW["device"],
        "geo": {"country": "Germany"},
        "app_info": {"version": "3.1"},
    }
    (purchase,) = [one for one in found if "value" in one]
    assert purchase == {"value": 5, "items": [{"item_id": "sku"}]}


def test_the_daily_table_repeats_the_intraday_one_without_new_events(source):
    ga4 = source("ga4")
    ga4.take(PAGE_VIEW, SECOND, OLD)

    later = {**PAGE_VIEW, "is_active_user": True, "user_ltv": {"revenue": 9}}
    again = ga4.take(later, SECOND, OLD, name="b.jsonl")

    assert (again.accepted, again.duplicate) == (0, 3)


def test_two_rows_of_an_old_export_differ_by_their_parameters(source):
    ga4 = source("ga4")

    account = ga4.take(OLD, {**OLD, "event_params": params(value=6)})

    assert account.accepted == 2


def test_a_broken_row_is_refused_and_its_neighbours_stay(source):
    ga4 = source("ga4")

    account = ga4.take(
        PAGE_VIEW,
        {**OLD, "user_pseudo_id": None},
        {**OLD, "event_name": None},
        {**OLD, "event_timestamp": "2026-11-01"},
        {**OLD, "event_timestamp": "20261101100000"},
        {**OLD, "event_params": "none"},
        {**OLD, "event_params": [{"value": {"int_value": "1"}}]},
        {**OLD, "event_params": params(a=1) + params(a=2)},
        SECOND,
    )

    # a day is an instant too: midnight UTC
    assert account.accepted == 3
    assert ga4.refused() == [
        *((2, "no_unit"), (3, "no_event_name"), (5, "bad_time"), (6, "bad_properties")),
        *((7, "bad_properties"), (8, "bad_properties")),
    ]


def test_no_value_of_any_field_ends_the_run(source, wrong_values):
    records = wrong_values(PAGE_VIEW)

    account = source("ga4").take(*records)

    assert account.rows_in == len(records)
