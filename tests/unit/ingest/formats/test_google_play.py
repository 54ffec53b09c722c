import pytest

HEAD = (
    "Package Name,App Version Code,App Version Name,Reviewer Language,Device,"
    "Review Submit Date and Time,Review Submit Millis Since Epoch,"
    "Review Last Update Date and Time,Review Last Update Millis Since Epoch,Star Rating,"
    "Review Title,Review Text,Developer Reply Date and Time,Developer Reply Millis Since Epoch,"
    "Developer Reply Text,Review Link\n"
)
LINK = "http://play.google.com/console/developers/1/app/2/user-feedback/review-details?reviewId="
TEXT = (
    "com.shop,240,2.4.0,de,star2qltechn,2026-09-10T10:00:00Z,1789034400000,2026-09-10T10:00:00Z,"
    f'1789034400000,2,Naja,"Stürzt ab, ""oft"" 😢\nseit 2.4",,,,{LINK}gp%3AAOqp1&corpus=PUBLIC\n'
)
EDITED = (
    "com.shop,241,2.4.1,de,star2qltechn,2026-09-10T10:00:00Z,1789034400000,2026-09-12T08:00:00Z,"
    f"1789200000000,5,,Geht wieder,,,,{LINK}gp%3AAOqp1&corpus=PUBLIC\n"
)
RATING = (
    "com.shop,240,,ja,Pixel 8,2026-09-11T00:00:00Z,1789084800000,2026-09-11T00:00:00Z,"
    "1789084800000,4,,,,,,\n"
)
REPLIED = (
    "com.shop,,,ko,,2026-09-13T00:00:00Z,1789257600000,2026-09-13T00:00:00Z,1789257600000,1,"
    "좋아요,빠르고 편합니다.,2026-09-14T00:00:00Z,1789344000000,감사합니다,"
    "https://play.google.com/apps/publish#ReviewDetailsPlace:p=com.shop&reviewid=gp:AOqp2\n"
)


def utf16(text):
    return b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass")


@pytest.fixture
def play(source):
    return source("google_play", "feedback")


def test_a_month_in_utf16_becomes_feedback(play):
    account = play.take(text=utf16(HEAD + TEXT + EDITED + RATING + REPLIED), name="202609.csv")

    assert account.accepted == 4
    rows = play.rows()
    assert [row[1:] for row in rows] == [
        ("2026-09-10 10:00:00", None, "google_play", 2.0, 'Naja\nStürzt ab, "oft" 😢\nseit 2.4',
         "2.4.0"),
        ("2026-09-11 00:00:00", None, "google_play", 4.0, None, "240"),
        ("2026-09-12 08:00:00", None, "google_play", 5.0, "Geht wieder", "2.4.1"),
        ("2026-09-13 00:00:00", None, "google_play", 1.0, "좋아요\n빠르고 편합니다.", None),
    ]  # fmt: skip
    # a review is known by its link and by when it was said; a rating without text has no link
    assert [row[0] for row in rows if not row[0].endswith(":1789084800000")] == [
        "gp:AOqp1:1789034400000",
        "gp:AOqp1:1789200000000",
        "gp:AOqp2:1789257600000",
    ]
    assert play.properties()["gp:AOqp2:1789257600000"] == {
        "product": "com.shop",
        "title": "좋아요",
        "language": "ko",
        "submitted_at": "2026-09-13T00:00:00Z",
        "url": REPLIED.rstrip("\n").rpartition(",")[2],
    }


def test_the_month_written_anew_gives_what_is_new(play):
    play.take(text=utf16(HEAD + TEXT + RATING), name="202609.csv")

    answered = TEXT.replace(",,,,http", ",2026-09-11T00:00:00Z,1789084800000,Danke,http")
    again = play.take(text=utf16(HEAD + answered + RATING + EDITED), name="later.csv")

    assert (again.accepted, again.duplicate, again.conflict) == (1, 2, 0)


def test_a_broken_record_is_refused_and_its_neighbours_stay(play):
    lone = RATING.replace("Pixel 8", "Pixel \ud83d 8")
    late = RATING.replace("1789084800000", "soon")
    empty = RATING.replace(",4,", ",,").replace("ja", "fr")
    text = HEAD + TEXT + lone + "com.shop,1\n" + late + empty + REPLIED

    account = play.take(text=utf16(text), name="202609.csv")

    assert account.accepted == 2
    assert play.refused() == [
        (4, "invalid_utf8"), (5, "field_count"), (6, "bad_time"), (7, "no_content"),
    ]  # fmt: skip
    # offsets are of the same text in UTF-8
    before = (HEAD + TEXT + lone).encode("utf-8", "surrogatepass")
    found = play.world.quarantine("app")
    assert found[1]["byte_offset"] == len(before)
    assert found[0]["raw"] == lone.rstrip().replace("\ud83d", "\\xed\\xa0\\xbd")


def test_a_file_in_utf8_without_newer_columns_is_read_too(play):
    names = [name for name in HEAD.strip().split(",") if name not in ("Device", "Review Title")]
    head = ",".join(names) + "\n"
    row = (
        "com.shop,77,1.0.6,ko,2026-01-02T03:04:05Z,1767323045000,2026-01-02T03:04:05Z,"
        f"1767323045000,5,good,,,,{LINK}gp%3AAOqp9\n"
    )

    account = play.take(text=head + row, name="202601.csv")

    assert account.accepted == 1
    assert play.rows() == [
        ("gp:AOqp9:1767323045000", "2026-01-02 03:04:05", None, "google_play", 5.0, "good", "1.0.6")
    ]
