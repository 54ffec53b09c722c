"""Edits that change a number or lose a name."""

from __future__ import annotations

from labelled import D, Edit, M, S, one

BREAKING = (
    one(
        "sum made average",
        "formula",
        M,
        "name: paid_usd\n        agg: sum",
        "name: paid_usd\n        agg: average",
    ),
    one(
        "exact percentile made approximate",
        "formula",
        M,
        "agg_params: {percentile: 0.9}",
        "agg_params: {percentile: 0.9, use_approximate_percentile: true}",
    ),
    one("another percentile", "formula", M, "percentile: 0.9}", "percentile: 0.95}"),
    one(
        "a percentile that occurs",
        "formula",
        M,
        "percentile: 0.9}",
        "percentile: 0.9, use_discrete_percentile: true}",
    ),
    one("tax left in", "formula", M, "amount_usd - tax_usd", "amount_usd"),
    one("a difference turned round", "formula", M, "amount_usd - tax_usd", "tax_usd - amount_usd"),
    one("ELSE 0 left out", "formula", M, " else 0 end", " end"),
    one("= made <>", "formula", M, "status = 'paid'", "status <> 'paid'"),
    one("text of other letters", "formula", M, "status = 'paid'", "status = 'PAID'"),
    one("a filter widened", "formula", S, "('paid', 'sent')", "('paid', 'sent', 'open')"),
    one(
        "a filter gone", "formula", S, "      - \"{{ Dimension('unit__country') }} <> 'XX'\"\n", ""
    ),
    one(
        "a filter more",
        "formula",
        S,
        "    type_params: {measure: amount_p90}\n",
        (
            "    type_params: {measure: amount_p90}\n"
            "    filter: \"{{ Dimension('order__status') }} = 'paid'\"\n"
        ),
    ),
    one(
        "AND made OR", "formula", S, "in ('paid', 'sent')\"\n      - \"", "in ('paid', 'sent') or "
    ),
    one(
        "a filter on one input",
        "formula",
        S,
        "numerator: revenue,",
        ("numerator: {name: revenue, filter: \"{{ Dimension('order__channel') }} = 'web'\"},"),
    ),
    one(
        "another join key",
        "entity_changed",
        M,
        ("{name: unit, type: foreign, expr: unit_id}\n    dimensions:\n      - {name: ordered_at"),
        ("{name: unit, type: foreign, expr: shop_id}\n    dimensions:\n      - {name: ordered_at"),
    ),
    one(
        "a join gone",
        "entity_removed",
        M,
        "      - {name: shop, type: foreign, expr: shop_id}\n",
        "",
    ),
    one("a longer outcome window", "formula", S, "window_days: 14", "window_days: 28"),
    one("no outcome window", "formula", S, "        window_days: 14\n", ""),
    one("a running window", "formula", S, "{window: 7 days}}", "{window: 28 days}}"),
    one(
        "a window made a month to date",
        "formula",
        S,
        "{window: 7 days}}",
        "{grain_to_date: month}}",
    ),
    one(
        "a conversion window",
        "formula",
        S,
        "entity: unit\n        window: 7 days",
        "entity: unit\n        window: 14 days",
    ),
    one(
        "the touch of a conversion",
        "formula",
        S,
        "entity: unit\n        window: 7 days",
        "entity: unit\n        touch: first\n        window: 7 days",
    ),
    one("a funnel's order", "formula", S, "window: 1 day", "window: 1 day\n      order: strict"),
    one(
        "a funnel's step",
        "formula",
        S,
        "{name: order, measure: order_count}",
        "{name: order, measure: paid_usd}",
    ),
    one(
        "days of a rolling metric",
        "formula",
        S,
        "{measure: visitors, window: 7 days}",
        "{measure: visitors, window: 28 days}",
    ),
    one("an offset", "formula", S, "offset_window: 7 days", "offset_window: 1 day"),
    one("the arithmetic", "formula", S, "(now - before) / before", "(now - before) / now"),
    one(
        "numerator and denominator swapped",
        "formula",
        S,
        "{numerator: revenue, denominator: orders}",
        "{numerator: orders, denominator: revenue}",
    ),
    one(
        "another time",
        "formula",
        M,
        "amount_p90, agg: percentile,",
        "amount_p90, agg: percentile, agg_time_dimension: ordered_on,",
    ),
    one(
        "the time zone", "timezone", "landed.toml", 'timezone = "UTC"', 'timezone = "Europe/Berlin"'
    ),
    one("the unit of measure", "value", S, "value: usd,", "value: eur,"),
    one(
        "the direction",
        "direction",
        S,
        "{owner: growth, value: count, direction: increase_is_good}",
        "{owner: growth, value: count, direction: neutral}",
    ),
    one("the cap", "formula", S, "cap: {value: 500}", "cap: {value: 1000}"),
    one(
        "a smaller minimum effect",
        "threshold",
        S,
        "minimum_effect_of_interest: 0.5",
        "minimum_effect_of_interest: 0.1",
    ),
    one(
        "a value for gaps",
        "formula",
        S,
        "type_params: {measure: paid_usd}",
        "type_params: {measure: {name: paid_usd, fill_nulls_with: 0}}",
    ),
    one(
        "a metric of a saved query gone",
        "saved_query_metric_removed",
        D,
        "[revenue, orders]",
        "[revenue]",
    ),
    one(
        "a metric renamed",
        "metric_renamed",
        S,
        "- name: weekly_visitors",
        "- name: visitors_a_week",
    ),
    one(
        "a dimension gone", "dimension_removed", M, "      - {name: page, type: categorical}\n", ""
    ),
    one(
        "a dimension renamed",
        "dimension_renamed",
        M,
        "{name: page, type: categorical}",
        "{name: path, type: categorical, expr: page}",
    ),
    one(
        "a dimension's expression",
        "dimension_changed",
        M,
        "{name: page, type: categorical}",
        "{name: page, type: categorical, expr: lower(page)}",
    ),
    one(
        "a dimension's type",
        "dimension_type",
        M,
        "{name: ordered_on, type: time, type_params: {time_granularity: day}}",
        "{name: ordered_on, type: categorical}",
    ),
    one(
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
    one(
        "a dimension that another now hides",
        "dimension_ambiguous",
        M,
        "      - {name: status, type: categorical,",
        (
            "      - {name: country, type: categorical, expr: channel}\n"
            "      - {name: status, type: categorical,"
        ),
    ),
    one(
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
    one(
        "a deprecation shortened",
        "deprecation_shortened",
        S,
        "until: 2026-06-30",
        "until: 2026-03-31",
    ),
    one("a saved query's filter", "saved_query_changed", D, "<> 'test'", "= 'web'"),
    one("a saved query's grain", "saved_query_changed", D, "'week'", "'month'"),
    one(
        "a saved query gone",
        "saved_query_removed",
        D,
        "- name: weekly_sales",
        "- name: sales_a_week",
    ),
)
