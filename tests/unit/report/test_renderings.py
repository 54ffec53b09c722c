from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from html.parser import HTMLParser
from typing import Any

import pytest

from landed.report import Report, render_html, render_index, render_markdown, render_text

Make = Callable[..., Report]

HOSTILE = (
    "<script>alert(1)</script> \"><img src=x onerror=alert(1)> '{{7*7}} "
    "\x1b[31mred\x1b]0;owned\x07 "
    "\u202egnp.exe @everyone #1 [click](https://evil.example) | `x` **bold** <!-- \r\n# heading"
)


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and whether tables are labelled."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def hostile(document: Any, path: tuple[str | int, ...] = ()) -> Any:
    """The document with hostile text in every place that holds free text."""
    free = {"label", "reason", "hypothesis", "owner", "observed", "expected", "because", "fix",
            "text", "description", "change", "by", "unit", "conclusion", "treatment"}  # fmt: skip
    if isinstance(document, dict):
        return {
            key: HOSTILE if key in free and isinstance(inner, str) else hostile(inner, (*path, key))
            for key, inner in document.items()
        }
    if isinstance(document, list):
        return [hostile(inner, (*path, index)) for index, inner in enumerate(document)]
    return document


@pytest.fixture
def documents(make_report: Make, make_notice: Make) -> list[Any]:
    good = {"snapshot": "f" * 16, "as_of": "2026-11-19T00:00:00Z", "decision": "worked"}
    return [
        deepcopy(dict(make_report().document)),
        deepcopy(dict(make_notice(last_good=good).document)),
    ]


@pytest.fixture
def hostile_documents(documents: list[Any]) -> list[Any]:
    made = []
    for document in documents:
        document["exposure"]["counts"] = {HOSTILE: 5, "control": 4}
        document["feedback"] = [{"label": "x", "count": 3, "text": "y"}]
        document["provenance"]["git"] = HOSTILE
        for check in document["gate"]["checks"]:
            check["id"] = HOSTILE
        made.append(hostile(document))
    return made


def test_the_first_line_of_text_is_the_verdict(documents: list[Any]) -> None:
    assert render_text(documents[0]).splitlines()[0] == "WORKED: onboarding-checklist"
    assert render_text(documents[1]).splitlines()[0] == "BLOCKED: onboarding-checklist"


@pytest.mark.parametrize("width", [40, 60, 88, 140])
def test_text_keeps_to_60_lines_and_the_terminals_width(documents: list[Any], width: int) -> None:
    documents[0]["estimates"] *= 30
    documents[0]["caveats"] *= 30

    for document in documents:
        lines = render_text(document, width).splitlines()
        assert len(lines) <= 60
        assert max(map(len, lines)) <= width
    assert "more lines" in render_text(documents[0], width)
    assert "Next: Expand." in render_text(documents[0], width)


def test_text_is_coloured_only_on_demand(documents: list[Any]) -> None:
    assert "\x1b" not in render_text(documents[0])
    assert render_text(documents[0], color=True).startswith("\x1b[1;32mWORKED")


def test_text_shows_no_control_code_of_others(hostile_documents: list[Any]) -> None:
    for document in hostile_documents:
        text = render_text(document, 100)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
        assert r"\x1b[31mred" in text


def test_the_notice_says_what_failed_why_the_repair_and_what_stays_up(documents: list[Any]) -> None:
    for shown in (render_text(documents[1], 200), _words(render_html(documents[1]))):
        assert "sample_ratio" in shown
        assert "p = 0.0000012 (1,586 and 1,920 units)" in shown
        assert "p of at least 0.001" in shown
        assert "A split that differs from the plan" in shown
        assert "Find why the checklist arm gets more units" in shown
        assert "3 days old" in shown
        assert "131.3" not in shown


def test_html_is_one_page_without_script_or_anything_loaded(documents: list[Any]) -> None:
    for document in documents:
        text = render_html(document)
        page = Page(text)
        policies = [m["content"] for m in page.named("meta") if m.get("http-equiv")]
        assert len(text.encode()) < 300_000
        assert policies[0].startswith(
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        )
        assert not page.named("script")
        assert not page.named("link")
        assert not page.named("iframe")
        assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)


def test_html_has_labelled_tables_and_plot(documents: list[Any]) -> None:
    page = Page(render_html(documents[0]))

    assert len(page.named("caption")) == len(page.named("table"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.named("th"))
    assert page.named("svg")[0]["role"] == "img"
    assert page.named("svg")[0]["aria-labelledby"] == page.named("title")[1]["id"]
    assert page.named("html") == [{"lang": "en"}]


def test_html_holds_the_numbers_as_people_read_them(documents: list[Any]) -> None:
    text = _words(render_html(documents[0]))

    for shown in ("115.4 s", "131.3 s", "+15.9 s", "+10.9 to +20.9 s", "3.12%", "+0.09 pp",
                  "-0.12 to +0.30 pp", "0.5 pp", "1,579 / 1,645", "40 ms", "not estimable",
                  "sample ratio p = 0.299"):  # fmt: skip
        assert shown in text


def test_html_escapes_text_wherever_it_stands(hostile_documents: list[Any]) -> None:
    for document in hostile_documents:
        text = render_html(document)
        page = Page(text)
        assert not page.named("script")
        assert not page.named("img")
        assert not [a for _, a in page.tags if any(key.startswith("on") for key in a)]
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "{{7*7}}" in text
        assert "&lt;script&gt;" in text


def test_a_plot_without_any_interval_is_left_out(documents: list[Any]) -> None:
    documents[0]["estimates"] = [documents[0]["estimates"][-1]]

    assert "<svg" not in render_html(documents[0])


def test_markdown_is_short_enough_for_a_comment(documents: list[Any]) -> None:
    documents[0]["caveats"] = [{"code": "x", "text": "word " * 100}] * 1000

    text = render_markdown(documents[0])

    assert len(text) < 65_536
    assert "too long for a comment" in text


def test_markdown_keeps_hostile_text_as_text(hostile_documents: list[Any]) -> None:
    for document in hostile_documents:
        text = render_markdown(document)
        assert not re.search(r"<(?!/?(details|summary|sub)>)", text)
        assert not re.search(r"@(?!\u200b)", text)
        assert not re.search(r"(?<!\\)\[click", text)
        assert "https://" not in text
        assert "\x1b" not in text
        assert not re.search(r"^# heading", text, re.MULTILINE)
        cells = [line for line in text.splitlines() if line.startswith("| ")]
        assert {len(re.findall(r"(?<!\\)\|", line)) - 1 for line in cells} <= {3, 5, 8}


def test_the_index_lists_every_release_with_verdict_effect_and_link(documents: list[Any]) -> None:
    other = deepcopy(documents[0])
    other["release"], other["about"]["shipped_at"] = "newer", "2026-11-20T00:00:00Z"

    text = render_index([documents[1], other], "Shop")
    hrefs = [link["href"] for link in Page(text).named("a")]

    assert hrefs == [
        "newer/0123456789abcdef.html",
        "onboarding-checklist/0123456789abcdef.html",
        "onboarding-checklist/ffffffffffffffff.html",
    ]
    assert "+15.9 s" in text
    assert "2 releases: 1 worked, 1 blocked." in _words(text)


def test_the_index_escapes_text_and_may_be_empty(hostile_documents: list[Any]) -> None:
    page = Page(render_index(hostile_documents, HOSTILE))

    assert not page.named("script")
    assert not page.named("img")
    assert "No release has a report yet" in render_index([])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_enough_contrast(scheme: str, documents: list[Any]) -> None:
    style = render_html(documents[0]).split("<style>")[1].split("</style>")[0]
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part)) for part in _roots(style))
    colours = light if scheme == "light" else {**light, **dark}

    for text in ("ink", "soft"):
        for back in ("paper", "card", "good-wash", "bad-wash", "even-wash", "warn-wash"):
            assert _contrast(colours[text], colours[back]) >= 4.5
    for tone in ("good", "bad", "even", "warn", "hold"):
        assert _contrast(colours[tone], colours[f"{tone}-wash"]) >= 4.5
        assert _contrast(colours[tone], colours["card"]) >= 4.5


def _roots(style: str) -> Iterable[str]:
    return [part.split("}")[0] for part in style.split(":root {")[1:3]]


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _words(html: str) -> str:
    """Text of a page, tags gone, spaces single."""
    from html import unescape

    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
