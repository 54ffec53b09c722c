"""What is printed cannot drive a terminal, a spreadsheet or a JSON reader."""

from __future__ import annotations

import json

import pytest

from landed.serve.output import clean, print_csv, print_json, print_table


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert clean("a\x1b[31mred\x07\u202eb") == "a[31mredb"


def test_a_cell_that_a_spreadsheet_would_run_is_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(["name", "n"], [["=1+1", -2], ["@x", 3.5]])

    assert capsys.readouterr().out.splitlines() == ["name,n", "'=1+1,-2", "'@x,3.5"]


def test_json_has_null_for_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": [float("inf"), 1.5]})

    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5]}


def test_a_table_shows_markup_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name"], [["[bold red]x[/]"]])

    assert "[bold red]x[/]" in capsys.readouterr().out


def test_json_escapes_what_drives_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"a": "\x1b[31m\x9b31m\u202e\u2066é\x7f"}

    print_json(given)

    text = capsys.readouterr().out
    assert text.replace("\n", "").isprintable()
    assert "é" in text
    assert json.loads(text) == given


def test_csv_is_whole_for_a_file_and_harmless_for_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_csv(["name"], [["\x1b[31mred"]])
    assert capsys.readouterr().out == "name\r\n\x1b[31mred\r\n"

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_csv(["name"], [["\x1b[31mred"]])

    assert capsys.readouterr().out == "name\n[31mred\n"
