"""How saved queries and dashboards differ."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from .diff_changes import Change, Version, now_and_before
from .diff_trees import conditions
from .expressions import parse_condition
from .saved import SavedQuery, condition_name


def saved_changes(base: Version, head: Version, as_of: date) -> Iterator[Change]:
    """Every change of a saved query, and of the dashboards that the YAML declares."""
    before, after = base.catalog.saved_queries, head.catalog.saved_queries
    subject = "saved query"
    for name, old in before.items():
        new = after.get(name)
        if new is not None:
            yield from _changes(old, new, base.file(old.path), head.file(new.path))
            continue
        file = base.file(old.path)
        if old.deprecated is not None and old.deprecated.until < as_of.isoformat():
            what = f"the query is gone; it was deprecated until {old.deprecated.until}"
            yield Change("retired", subject, name, what, file)
        else:
            yield Change("saved_query_removed", subject, name, "the query is gone", file)
    for name, new in after.items():
        if name not in before:
            file = head.file(new.path)
            yield Change("saved_query_added", subject, name, "the query is new", file)
    yield from _dashboards(base, head)


def has_new_saved_revision(before: SavedQuery, after: SavedQuery) -> bool:
    """Whether a saved query's history has an entry more."""
    return len(after.revisions) > len(before.revisions) and any(
        one not in before.revisions for one in after.revisions
    )


def _changes(old: SavedQuery, new: SavedQuery, was_in: str, file: str) -> Iterator[Change]:
    def change(rule: str, what: str) -> Change:
        return Change(rule, "saved query", new.name, what, file)

    gone = [name for name in old.metrics if name not in new.metrics]
    added = [name for name in new.metrics if name not in old.metrics]
    if gone:
        yield change("saved_query_metric_removed", f"without {', '.join(gone)}")
    if added:
        yield change("saved_query_metric_added", f"with {', '.join(added)}")
    if (old.group_by, old.grain) != (new.group_by, new.grain):
        was, now = _grouping(old), _grouping(new)
        yield change("saved_query_changed", now_and_before("the grouping", now, was))
    if _conditions(old) != _conditions(new):
        was, now = " and ".join(old.where) or None, " and ".join(new.where) or None
        yield change("saved_query_changed", now_and_before("the filter", now, was))
    elif old.where != new.where:
        yield change("written_otherwise", "the filter is the same, written otherwise")
    if old.limit != new.limit:
        yield change("saved_query_changed", now_and_before("the limit", new.limit, old.limit))
    if old.order_by != new.order_by:
        rule = "saved_query_order" if new.limit is None else "saved_query_changed"
        yield change(rule, "its rows are sorted otherwise")
    for field in ("label", "description", "owner"):
        if getattr(old, field) != getattr(new, field):
            yield change(field, f"the {field} is other words")
    if was_in != file:
        yield change("file_moved", now_and_before("the file", file, was_in))
    if old.deprecated is None and new.deprecated is not None:
        yield change("deprecated", f"it is deprecated until {new.deprecated.until}")
    if old.revisions != new.revisions:
        is_new = has_new_saved_revision(old, new)
        yield change("revision_added" if is_new else "revision_text", "its revisions changed")


def _grouping(query: SavedQuery) -> str | None:
    grain = f" by {query.grain}" if query.grain else ""
    return ", ".join(query.group_by) + grain if query.group_by else None


def _conditions(query: SavedQuery) -> list[str]:
    found: list[str] = []
    for text in query.where:
        condition = parse_condition(text)
        found.extend(map(str, conditions(condition.tree, condition_name(condition))))
    return sorted(set(found))


def _dashboards(base: Version, head: Version) -> Iterator[Change]:
    before, after = base.catalog.dashboards, head.catalog.dashboards
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        path = new.path if new is not None else before[name].path
        file = (head if new is not None else base).file(path)
        word = "new" if old is None else "gone" if new is None else "declared otherwise"
        yield Change("dashboard", "dashboard", name, f"the dashboard is {word}", file)
