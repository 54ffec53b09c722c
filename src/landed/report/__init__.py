"""Reports and notices: one JSON document (`landed.report/1`), and every rendering made from it."""

from .build import SCHEMA_NAME, Report, build_notice, build_report, read_document
from .html import render_html
from .index import render_index
from .markdown import render_markdown
from .text import render_text

__all__ = [
    "SCHEMA_NAME",
    "Report",
    "build_notice",
    "build_report",
    "read_document",
    "render_html",
    "render_index",
    "render_markdown",
    "render_text",
]
