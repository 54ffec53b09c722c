"""Edits of the base project with the severity that a person gives them, and the rule behind it."""

from __future__ import annotations

from dataclasses import dataclass

from edited import Edits

M, S, D = "models/marts.yml", "metrics/sales.yml", "metrics/saved.yml"


@dataclass(frozen=True)
class Edit:
    """An edit, and what it is.

    Args:
        rule: One that it must be found by; empty where nothing at all may be found.
    """

    name: str
    rule: str
    edits: Edits


def _one(name: str, rule: str, file: str, old: str, new: str) -> Edit:
    return Edit(name, rule, ((file, old, new),))


HARMLESS = (
    _one("a label", "label", S, "label: Large basket", "label: Big basket"),
    _one(
        "a description", "description", S, "Falls with cheaper things", "Falls if things cost less"
    ),
    _one("an owner", "owner", S, "owner: growth, value: share", "owner: web, value: share"),
    _one("a tier raised", "tier_raised", S, "tier: team", "tier: certified"),
    _one("a comment", "", S, "metrics:\n", "metrics:  # of the shop\n"),
    _one(
        "white space in an expression",
        "written_otherwise",
        M,
        "amount_usd - tax_usd",
        "amount_usd  -  tax_usd",
    ),
    _one(
        "flow style made block style",
        "",
        S,
        "type_params: {measure: paid_usd}",
        "type_params:\n      measure: paid_usd",
    ),
    _one("quotes around a text", "", S, "label: Revenue\n", 'label: "Revenue"\n'),
    _one(
        "brackets",
        "written_otherwise",
        M,
        "case when status = 'paid' then amount_usd - tax_usd else 0 end",
        "((case when status = 'paid' then amount_usd - tax_usd else 0 end))",
    ),
    _one(
        "letters in capitals",
        "written_otherwise",
        M,
        "case when status = 'paid' then amount_usd - tax_usd else 0 end",
        "CASE WHEN status = 'paid' then amount_usd - tax_usd else 0 end",
    ),
    _one("a comparison turned round", "written_otherwise", M, "status = 'paid'", "'paid' = status"),
    _one("empty lines", "", S, "product_metrics:\n", "\n\nproduct_metrics:\n"),
    _one(
        "IN in another order", "written_otherwise", S, "in ('paid', 'sent')", "in ('sent', 'paid')"
    ),
    _one(
        "IN written as OR",
        "written_otherwise",
        S,
        "{{ Dimension('order__status') }} in ('paid', 'sent')",
        (
            "({{ Dimension('order__status') }} = 'sent' or {{ Dimension('order__status') "
            "}} = 'paid')"
        ),
    ),
    _one(
        "filters in another order",
        "written_otherwise",
        S,
        (
            "      - \"{{ Dimension('order__status') }} in ('paid', 'sent')\"\n"
            "      - \"{{ Dimension('unit__country') }} <> 'XX'\""
        ),
        (
            "      - \"{{ Dimension('unit__country') }} <> 'XX'\"\n"
            "      - \"{{ Dimension('order__status') }} in ('paid', 'sent')\""
        ),
    ),
    _one(
        "two filters joined by AND",
        "",
        S,
        "in ('paid', 'sent')\"\n      - \"",
        "in ('paid', 'sent') and ",
    ),
    _one(
        "NOT moved inwards",
        "written_otherwise",
        S,
        "{{ Dimension('unit__country') }} <> 'XX'",
        "not {{ Dimension('unit__country') }} = 'XX'",
    ),
    _one(
        "an alias of an input",
        "written_otherwise",
        S,
        (
            "(now - before) / before\n"
            "      metrics: [{name: revenue, alias: now}, {name: revenue, alias: before,"
        ),
        (
            "(today - past) / past\n"
            "      metrics: [{name: revenue, alias: today}, {name: revenue, alias: past,"
        ),
    ),
    _one(
        "a measure's description",
        "description",
        M,
        "description: Orders.",
        "description: Orders placed.",
    ),
    _one("a dimension's label", "label", M, "label: Channel", "label: Sales channel"),
    _one(
        "a dimension's description",
        "description",
        M,
        "Where the order stands.",
        "How far the order is.",
    ),
    _one(
        "a revision told in other words",
        "revision_text",
        S,
        (
            "cap: {value: 500}\n"
            "        minimum_effect_of_interest: 0.5\n"
            "        revisions: [{date: 2026-01-01, change: first definition"
        ),
        (
            "cap: {value: 500}\n"
            "        minimum_effect_of_interest: 0.5\n"
            "        revisions: [{date: 2026-01-01, change: defined"
        ),
    ),
    _one("a span in the singular", "", S, "window: 1 day", "window: 1 days"),
    _one(
        "a number with a zero more",
        "",
        S,
        "minimum_effect_of_interest: 0.5\n",
        "minimum_effect_of_interest: 0.50\n",
    ),
    _one("a saved query's label", "label", D, "label: Weekly sales", "label: Sales by week"),
    _one(
        "a saved query sorted",
        "saved_query_order",
        D,
        "      where:",
        "      order_by: [revenue]\n      where:",
    ),
    _one("a dashboard's owner", "dashboard", M, "owner: {name: sales}", "owner: {name: shops}"),
    _one(
        "a semantic model's name",
        "",
        M,
        "- name: visits\n    model",
        "- name: page_visits\n    model",
    ),
)

COMPATIBLE = (
    _one(
        "a new metric",
        "metric_added",
        S,
        "product_metrics:\n",
        (
            "  - name: visits\n"
            "    label: Visits\n"
            "    description: Page visits of anybody, monitors left in. Falls when fewer "
            "people come by.\n"
            "    type: simple\n"
            "    type_params: {measure: visit_count}\n"
            "    config: {meta: {owner: growth, value: count, direction: "
            "increase_is_good}}\n"
            "product_metrics:\n"
        ),
    ),
    _one(
        "a new product metric",
        "metric_added",
        S,
        "product_metrics:\n",
        (
            "product_metrics:\n"
            "  - name: mean_tax\n"
            "    label: Visits\n"
            "    description: Page visits of anybody, monitors left in. Falls when fewer "
            "people come by.\n"
            "    type: unit_mean\n"
            "    type_params: {measure: tax_sum}\n"
            "    config: {meta: {owner: growth, value: count, direction: "
            "increase_is_good}}\n"
        ),
    ),
    _one(
        "a new dimension",
        "dimension_added",
        M,
        "      - {name: page, type: categorical}",
        ("      - {name: page, type: categorical}\n      - {name: seconds, type: categorical}"),
    ),
    _one(
        "a new dimension of the unit",
        "dimension_added",
        M,
        "      - {name: plan, type: categorical}",
        (
            "      - {name: plan, type: categorical}\n"
            "      - {name: has_plan, type: categorical, expr: plan is not null}"
        ),
    ),
    _one(
        "a new measure",
        "measure_added",
        M,
        "      - {name: visit_count,",
        ("      - {name: seconds_sum, agg: sum, expr: seconds}\n      - {name: visit_count,"),
    ),
    _one(
        "a new entity",
        "entity_added",
        M,
        "      - {name: visit, type: primary, expr: visit_id}",
        (
            "      - {name: visit, type: primary, expr: visit_id}\n"
            "      - {name: site, type: foreign, expr: page}"
        ),
    ),
    _one(
        "a new saved query",
        "saved_query_added",
        D,
        "saved_queries:\n",
        "saved_queries:\n  - {name: all_orders, query_params: {metrics: [orders]}}\n",
    ),
    _one(
        "a metric more in a saved query",
        "saved_query_metric_added",
        D,
        "[revenue, orders]",
        "[revenue, orders, basket_p90]",
    ),
    _one(
        "a deprecation begun",
        "deprecated",
        S,
        "direction: increase_is_good}}\n  - name: orders_to_date",
        "direction: increase_is_good, deprecated: {since: 2026-11-28, until: 2027-06-30}}}\n"
        "  - name: orders_to_date",
    ),
    _one(
        "a deprecation extended",
        "deprecation_extended",
        S,
        "until: 2026-06-30",
        "until: 2027-06-30",
    ),
    _one(
        "a deprecation withdrawn",
        "deprecation_withdrawn",
        S,
        "        deprecated: {since: 2026-01-01, until: 2026-06-30, use: orders}\n",
        "",
    ),
    _one("another successor", "deprecation_successor", S, "use: orders}", "use: revenue}"),
    _one(
        "a deprecated metric gone after its day",
        "retired",
        S,
        (
            "  - name: old_orders\n"
            "    label: Old orders\n"
            "    description: Everything ever ordered, whatever came of it. It goes away "
            "in favour of orders.\n"
            "    type: simple\n"
            "    type_params: {measure: order_count}\n"
            "    config:\n"
            "      meta:\n"
            "        owner: sales\n"
            "        value: count\n"
            "        direction: increase_is_good\n"
            "        deprecated: {since: 2026-01-01, until: 2026-06-30, use: orders}\n"
        ),
        "",
    ),
    _one(
        "a revision more",
        "revision_added",
        S,
        "tier: team\n        revisions: [",
        ("tier: team\n        revisions: [{date: 2026-11-28, change: reviewed, by: sales}, "),
    ),
    _one("a tier lowered", "tier_lowered", S, "tier: certified", "tier: draft"),
    _one(
        "a minimum effect said first",
        "threshold_added",
        S,
        "tier: team\n",
        "tier: team\n        minimum_effect_of_interest: 0.1\n",
    ),
    _one(
        "a margin said first",
        "threshold_added",
        S,
        "tier: team\n",
        "tier: team\n        non_inferiority_margin: 0.1\n",
    ),
    _one(
        "rows for periods without any",
        "gap_rows",
        S,
        "type_params: {measure: paid_usd}",
        "type_params: {measure: {name: paid_usd, join_to_timespine: true}}",
    ),
    _one(
        "a measure that no metric uses gone",
        "unused_measure",
        M,
        "      - {name: tax_sum, agg: sum, expr: tax_usd}\n",
        "",
    ),
    _one(
        "a measure that no metric uses computed otherwise",
        "unused_measure",
        M,
        "tax_sum, agg: sum",
        "tax_sum, agg: average",
    ),
    Edit(
        "a new semantic model",
        "model_added",
        (
            (
                M,
                "  - name: dim_units\n",
                (
                    "  - name: dim_shops\n"
                    "    columns: [{name: shop_id, data_type: varchar}, {name: city, data_type: "
                    "varchar}]\n"
                    "  - name: dim_units\n"
                ),
            ),
            (
                M,
                "exposures:\n  - name: sales_board",
                (
                    "  - name: shops\n"
                    "    model: ref('dim_shops')\n"
                    "    entities: [{name: shop, type: primary, expr: shop_id}]\n"
                    "    dimensions: [{name: city, type: categorical}]\n"
                    "exposures:\n"
                    "  - name: sales_board"
                ),
            ),
        ),
    ),
    _one(
        "a saved query deprecated",
        "deprecated",
        D,
        "    label: Weekly sales\n",
        (
            "    label: Weekly sales\n"
            "    config: {meta: {deprecated: {since: 2026-11-28, until: 2027-06-30}}}\n"
        ),
    ),
)

BREAKING = (
    _one(
        "sum made average",
        "formula",
        M,
        "name: paid_usd\n        agg: sum",
        "name: paid_usd\n        agg: average",
    ),
    _one(
        "exact percentile made approximate",
        "formula",
        M,
        "agg_params: {percentile: 0.9}",
        "agg_params: {percentile: 0.9, use_approximate_percentile: true}",
    ),
    _one("another percentile", "formula", M, "percentile: 0.9}", "percentile: 0.95}"),
    _one(
        "a percentile that occurs",
        "formula",
        M,
        "percentile: 0.9}",
        "percentile: 0.9, use_discrete_percentile: true}",
    ),
    _one("tax left in", "formula", M, "amount_usd - tax_usd", "amount_usd"),
    _one("a difference turned round", "formula", M, "amount_usd - tax_usd", "tax_usd - amount_usd"),
    _one("ELSE 0 left out", "formula", M, " else 0 end", " end"),
    _one("= made <>", "formula", M, "status = 'paid'", "status <> 'paid'"),
    _one("text of other letters", "formula", M, "status = 'paid'", "status = 'PAID'"),
    _one("a filter widened", "formula", S, "('paid', 'sent')", "('paid', 'sent', 'open')"),
    _one(
        "a filter gone", "formula", S, "      - \"{{ Dimension('unit__country') }} <> 'XX'\"\n", ""
    ),
    _one(
        "a filter more",
        "formula",
        S,
        "    type_params: {measure: amount_p90}\n",
        (
            "    type_params: {measure: amount_p90}\n"
            "    filter: \"{{ Dimension('order__status') }} = 'paid'\"\n"
        ),
    ),
    _one(
        "AND made OR", "formula", S, "in ('paid', 'sent')\"\n      - \"", "in ('paid', 'sent') or "
    ),
    _one(
        "a filter on one input",
        "formula",
        S,
        "numerator: revenue,",
        ("numerator: {name: revenue, filter: \"{{ Dimension('order__channel') }} = 'web'\"},"),
    ),
    _one(
        "another join key",
        "entity_changed",
        M,
        ("{name: unit, type: foreign, expr: unit_id}\n    dimensions:\n      - {name: ordered_at"),
        ("{name: unit, type: foreign, expr: shop_id}\n    dimensions:\n      - {name: ordered_at"),
    ),
    _one(
        "a join gone",
        "entity_removed",
        M,
        "      - {name: shop, type: foreign, expr: shop_id}\n",
        "",
    ),
    _one("a longer outcome window", "formula", S, "window_days: 14", "window_days: 28"),
    _one("no outcome window", "formula", S, "        window_days: 14\n", ""),
    _one("a running window", "formula", S, "{window: 7 days}}", "{window: 28 days}}"),
    _one(
        "a window made a month to date",
        "formula",
        S,
        "{window: 7 days}}",
        "{grain_to_date: month}}",
    ),
    _one(
        "a conversion window",
        "formula",
        S,
        "entity: unit\n        window: 7 days",
        "entity: unit\n        window: 14 days",
    ),
    _one(
        "the touch of a conversion",
        "formula",
        S,
        "entity: unit\n        window: 7 days",
        "entity: unit\n        touch: first\n        window: 7 days",
    ),
    _one("a funnel's order", "formula", S, "window: 1 day", "window: 1 day\n      order: strict"),
    _one(
        "a funnel's step",
        "formula",
        S,
        "{name: order, measure: order_count}",
        "{name: order, measure: paid_usd}",
    ),
    _one(
        "days of a rolling metric",
        "formula",
        S,
        "{measure: visitors, window: 7 days}",
        "{measure: visitors, window: 28 days}",
    ),
    _one("an offset", "formula", S, "offset_window: 7 days", "offset_window: 1 day"),
    _one("the arithmetic", "formula", S, "(now - before) / before", "(now - before) / now"),
    _one(
        "numerator and denominator swapped",
        "formula",
        S,
        "{numerator: revenue, denominator: orders}",
        "{numerator: orders, denominator: revenue}",
    ),
    _one(
        "another time",
        "formula",
        M,
        "amount_p90, agg: percentile,",
        "amount_p90, agg: percentile, agg_time_dimension: ordered_on,",
    ),
    _one(
        "the time zone", "timezone", "landed.toml", 'timezone = "UTC"', 'timezone = "Europe/Berlin"'
    ),
    _one("the unit of measure", "value", S, "value: usd,", "value: eur,"),
    _one(
        "the direction",
        "direction",
        S,
        "{owner: growth, value: count, direction: increase_is_good}",
        "{owner: growth, value: count, direction: neutral}",
    ),
    _one("the cap", "formula", S, "cap: {value: 500}", "cap: {value: 1000}"),
    _one(
        "a smaller minimum effect",
        "threshold",
        S,
        "minimum_effect_of_interest: 0.5",
        "minimum_effect_of_interest: 0.1",
    ),
    _one(
        "a value for gaps",
        "formula",
        S,
        "type_params: {measure: paid_usd}",
        "type_params: {measure: {name: paid_usd, fill_nulls_with: 0}}",
    ),
    _one(
        "a metric of a saved query gone",
        "saved_query_metric_removed",
        D,
        "[revenue, orders]",
        "[revenue]",
    ),
    _one(
        "a metric renamed",
        "metric_renamed",
        S,
        "- name: weekly_visitors",
        "- name: visitors_a_week",
    ),
    _one(
        "a dimension gone", "dimension_removed", M, "      - {name: page, type: categorical}\n", ""
    ),
    _one(
        "a dimension renamed",
        "dimension_renamed",
        M,
        "{name: page, type: categorical}",
        "{name: path, type: categorical, expr: page}",
    ),
    _one(
        "a dimension's expression",
        "dimension_changed",
        M,
        "{name: page, type: categorical}",
        "{name: page, type: categorical, expr: lower(page)}",
    ),
    _one(
        "a dimension's type",
        "dimension_type",
        M,
        "{name: ordered_on, type: time, type_params: {time_granularity: day}}",
        "{name: ordered_on, type: categorical}",
    ),
    _one(
        "a column's type",
        "column_types",
        M,
        "{name: amount_usd, data_type: double}",
        "{name: amount_usd, data_type: integer}",
    ),
    Edit(
        "a measure renamed",
        "measure_renamed",
        (
            (M, "name: paid_usd", "name: net_usd"),
            (S, "measure: paid_usd", "measure: net_usd"),
        ),
    ),
    _one(
        "a dimension that another now hides",
        "dimension_ambiguous",
        M,
        "      - {name: status, type: categorical,",
        (
            "      - {name: country, type: categorical, expr: channel}\n"
            "      - {name: status, type: categorical,"
        ),
    ),
    _one(
        "the prefix of dimensions",
        "prefix_changed",
        M,
        "{name: visit, type: primary",
        "{name: page_visit, type: primary",
    ),
    Edit(
        "another table",
        "model_changed",
        (
            (M, "model: ref('fct_visits')", "model: ref('fct_views')"),
            (
                M,
                "  - name: dim_units\n",
                (
                    "  - name: fct_views\n"
                    "    columns: [{name: visit_id, data_type: varchar}, {name: unit_id, "
                    "data_type: varchar}, {name: page, data_type: varchar}, {name: seconds, "
                    "data_type: double}, {name: visited_at, data_type: timestamp}]\n"
                    "  - name: dim_units\n"
                ),
            ),
        ),
    ),
    _one(
        "a deprecation shortened",
        "deprecation_shortened",
        S,
        "until: 2026-06-30",
        "until: 2026-03-31",
    ),
    _one("a saved query's filter", "saved_query_changed", D, "<> 'test'", "= 'web'"),
    _one("a saved query's grain", "saved_query_changed", D, "'week'", "'month'"),
    _one(
        "a saved query gone",
        "saved_query_removed",
        D,
        "- name: weekly_sales",
        "- name: sales_a_week",
    ),
)
