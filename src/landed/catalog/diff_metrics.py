"""How metrics differ: their formulas aspect by aspect, then what governs them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from .definitions import Metric
from .diff_aspects import COLUMN_TYPES, Aspect, aspects_of, digest_of, key_of
from .diff_changes import Change, Version, now_and_before

_TIERS = ("draft", "team", "certified")
_THRESHOLDS = ("minimum_effect_of_interest", "non_inferiority_margin")


def metric_changes(base: Version, head: Version, as_of: date) -> Iterator[Change]:
    """Every change of a metric.

    Args:
        as_of: Today: a deprecation that ended before lets a metric go.
    """
    before, after = base.catalog.metrics, head.catalog.metrics
    gone = [name for name in before if name not in after]
    new = [name for name in after if name not in before]
    keys = {name: key_of(after[name], head.catalog.vocabulary) for name in new}
    for name in gone:
        metric, file = before[name], base.file(before[name].path)
        key = key_of(metric, base.catalog.vocabulary)
        successor = next((other for other in new if keys[other] == key), None)
        ended = metric.deprecated is not None and metric.deprecated.until < as_of.isoformat()
        if ended:
            what = f"the metric is gone; it was deprecated until {metric.deprecated.until}"  # type: ignore[union-attr]
            yield Change("retired", "metric", name, what, file)
        elif successor is not None:
            what = f"the metric is now called {successor}"
            yield Change("metric_renamed", "metric", name, what, file, (name,))
        else:
            what = "the metric is gone"
            yield Change("metric_removed", "metric", name, what, file, (name,))
    for name in new:
        file = head.file(after[name].path)
        yield Change("metric_added", "metric", name, "the metric is new", file)
    for name, metric in after.items():
        if name in before:
            yield from _changes(before[name], metric, base, head)


def has_new_revision(before: Metric, after: Metric) -> bool:
    """Whether a metric's history has an entry more, as late as the latest one or later."""
    known = set(before.revisions)
    return any(
        one not in known and (before.revision is None or one.date >= before.revision)
        for one in after.revisions
    ) and len(after.revisions) > len(before.revisions)


def _changes(before: Metric, after: Metric, base: Version, head: Version) -> Iterator[Change]:
    name, file = after.name, head.file(after.path)

    def change(rule: str, what: str, *, is_owned: bool = False) -> Change:
        return Change(rule, "metric", name, what, file, (name,) if is_owned else ())

    yield from _formula(before, after, base, head)
    for field in ("value", "direction"):
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            word = "unit of measure" if field == "value" else field
            yield change(field, now_and_before(f"the {word}", new, old), is_owned=True)
    for field in _THRESHOLDS:
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            rule = "threshold_added" if old is None else "threshold"
            what = now_and_before(f"the {field.replace('_', ' ')}", new, old)
            yield change(rule, what, is_owned=old is not None)
    for field in ("label", "description", "owner"):
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            shown = f"the {field} is other words"
            yield change(
                field, shown if field == "description" else now_and_before(f"the {field}", new, old)
            )
    if before.tier != after.tier:
        is_raised = _TIERS.index(after.tier) > _TIERS.index(before.tier)
        rule = "tier_raised" if is_raised else "tier_lowered"
        yield change(rule, now_and_before("the tier", after.tier, before.tier))
    if base.file(before.path) != file:
        yield change("file_moved", now_and_before("the file", file, base.file(before.path)))
    yield from _deprecation(before, after, file)
    if before.revisions != after.revisions:
        if has_new_revision(before, after):
            latest = max(set(after.revisions) - set(before.revisions), key=lambda one: one.date)
            yield change("revision_added", f"a revision of {latest.date}: {latest.change}")
        else:
            yield change("revision_text", "its earlier revisions read otherwise")


def _formula(before: Metric, after: Metric, base: Version, head: Version) -> Iterator[Change]:
    name, file = after.name, head.file(after.path)
    old = aspects_of(before, base.catalog.vocabulary)
    new = aspects_of(after, head.catalog.vocabulary)
    is_same = key_of(before, base.catalog.vocabulary) == key_of(after, head.catalog.vocabulary)
    if is_same:
        texts = {aspect: one.shown for aspect, one in old.items() if aspect != COLUMN_TYPES}
        if texts != {aspect: one.shown for aspect, one in new.items() if aspect != COLUMN_TYPES}:
            what = "the definition computes the same, written otherwise"
            yield Change("written_otherwise", "metric", name, what, file)
    else:
        for aspect in dict.fromkeys((*old, *new)):
            was, now = old.get(aspect), new.get(aspect)
            if not aspect.startswith(COLUMN_TYPES) and _differ(was, now):
                rule = _rule(aspect, was, now)
                what = _said(aspect, was, now)
                owners = () if rule in ("unit_added", "gap_rows") else (name,)
                yield Change(rule, "metric", name, what, file, owners)
    for aspect in old:
        if aspect.startswith(COLUMN_TYPES) and aspect in new:
            yield from _types(old[aspect], new[aspect], name, file)


def _rule(aspect: str, was: Aspect | None, now: Aspect | None) -> str:
    if aspect == "unit" or aspect.startswith("unit of"):
        return "unit_added" if was is None else "unit_changed"
    if aspect.startswith("rows for gaps") and was is None:
        return "gap_rows"
    return "formula"


def _said(aspect: str, was: Aspect | None, now: Aspect | None) -> str:
    return now_and_before(f"the {aspect}", now and now.shown, was and was.shown)


def _differ(was: Aspect | None, now: Aspect | None) -> bool:
    if was is None or now is None:
        return was is not now
    return digest_of(was.key) != digest_of(now.key)


def _types(was: Aspect, now: Aspect, name: str, file: str) -> Iterator[Change]:
    """Columns that both versions give a type, another one each."""
    for column in sorted(was.key.keys() & now.key.keys()):
        if was.key[column] != now.key[column]:
            what = now_and_before(f"the type of {column}", now.key[column], was.key[column])
            yield Change("column_types", "metric", name, what, file, (name,))


def _deprecation(before: Metric, after: Metric, file: str) -> Iterator[Change]:
    old, new = before.deprecated, after.deprecated
    if old == new:
        return
    name, owners = after.name, (after.name,)
    if new is None:
        what = "it is no longer deprecated"
        yield Change("deprecation_withdrawn", "metric", name, what, file)
    elif old is None:
        what = f"it is deprecated since {new.since}, until {new.until}"
        what += f"; use {new.use}" if new.use else ""
        yield Change("deprecated", "metric", name, what, file)
    else:
        if old.until != new.until:
            is_less = new.until < old.until
            rule = "deprecation_shortened" if is_less else "deprecation_extended"
            what = now_and_before("the end of its deprecation", new.until, old.until)
            yield Change(rule, "metric", name, what, file, owners if is_less else ())
        if old.use != new.use or old.since != new.since:
            what = now_and_before("its successor", new.use, old.use)
            if old.use == new.use:
                what = now_and_before("the begin of its deprecation", new.since, old.since)
            yield Change("deprecation_successor", "metric", name, what, file)
