import pytest

SELECT = """select: |
  select
      "Submit Date (UTC)" as given_at,
      'survey' as channel,
      "How likely are you to recommend us?" as rating,
      concat_ws(chr(10), "What is missing?", "Other 2") as text,
      json_object('network', "Network ID", 'role', "Other") as properties
  from raw
  where "Response Type" = 'completed'
"""
HEAD = (
    '#,<strong>How likely</strong> are you to recommend us?,Other,"What is\nmissing?",Other,,'
    "Response Type,Start Date (UTC),Stage Date (UTC),Submit Date (UTC),Network ID,Tags\n"
)


def row(token, answers, kind="completed", at="2026-11-05 02:41:38"):
    return f"{token},{answers},,{kind},2026-11-05 02:39:31,,{at},653e97acae,\n"


GOOD = row("odwdp4nz", '9,admin,"Exports, ""big"" ones\nand filters",Nichts')
RATED = row("zlv2gcw", "0,,,")
PARTIAL = row("hagq7m9l", "7,,,", "partial", "")


@pytest.fixture
def typeform(source):
    return source("typeform", "feedback", SELECT)


def test_responses_become_feedback_by_the_form_s_own_select(typeform):
    account = typeform.take(text="\ufeff" + HEAD + GOOD + PARTIAL + RATED, name="responses.csv")

    # a response that was not handed in stands in the accounts
    assert (account.rows_in, account.accepted, account.reasons) == (3, 2, {"not_selected": 1})
    at = "2026-11-05 02:41:38"
    assert typeform.rows() == [
        ("odwdp4nz", at, None, "survey", 9.0, 'Exports, "big" ones\nand filters\nNichts', None),
        ("zlv2gcw", at, None, "survey", 0.0, None, None),
    ]
    assert typeform.properties()["odwdp4nz"] == {"network": "653e97acae", "role": "admin"}
    assert typeform.deliver_again() == (0, 2)


def test_a_broken_response_is_refused_and_its_neighbours_stay(typeform):
    text = HEAD + GOOD + "x,1\n" + row("n1", "ten,,,") + row("n2", ",a,,") + RATED

    account = typeform.take(text=text, name="responses.csv")

    assert account.accepted == 2
    # the header and the first response span two lines each
    assert typeform.refused() == [(5, "field_count"), (6, "bad_number"), (7, "no_content")]


def test_a_form_is_not_guessed(source):
    typeform = source("typeform", "feedback")

    with pytest.raises(Exception, match="typeform gives columns of its own, not feedback"):
        typeform.take(text=HEAD + GOOD, name="responses.csv")


def test_a_column_without_a_question_is_known_by_its_number(source):
    select = SELECT.replace('"Network ID"', '"column 6"')
    typeform = source("typeform", "feedback", select)

    typeform.take(text=HEAD + GOOD.replace(",,completed", ",asked,completed"), name="a.csv")

    assert typeform.properties()["odwdp4nz"]["network"] == "asked"
