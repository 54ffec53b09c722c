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


def one(name: str, rule: str, file: str, old: str, new: str) -> Edit:
    return Edit(name, rule, ((file, old, new),))


HARMLESS = (
    one("a label", "label", S, "label: Large basket", "label: Big basket"),
    one(
        "a description", "description", S, "Falls with cheaper things", "Falls if things cost less"
    ),
    one("an owner", "owner", S, "owner: growth, value: share", "owner: web, value: share"),
    one("a tier raised", "tier_raised", S, "tier: team", "tier: certified"),
    one("a comment", "", S, "metrics:\n", "metrics:  # of the shop\n"),
    one(
        "white space in an expression",
        "written_otherwise",
        M,
        "amount_usd - tax_usd",
        "amount_usd  -  tax_usd",
    ),
    one(
        "flow style made block style",
        "",
        S,
        "type_params: {measure: paid_usd}",
        "type_params:\n      measure: paid_usd",
    ),
    one("quotes around a text", "", S, "label: Revenue\n", 'label: "Revenue"\n'),
    one(
        "brackets",
        "written_otherwise",
        M,
        "case when status = 'paid' then amount_usd - tax_usd else 0 end",
        "((case when status = 'paid' then amount_usd - tax_usd else 0 end))",
    ),
    one(
        "letters in capitals",
        "written_otherwise",
        M,
        "case when status = 'paid' then amount_usd - tax_usd else 0 end",
        "CASE WHEN status = 'paid' then amount_usd - tax_usd else 0 end",
    ),
    one("a comparison turned round", "written_otherwise", M, "status = 'paid'", "'paid' = status"),
    one("empty lines", "", S, "product_metrics:\n", "\n\nproduct_metrics:\n"),
    one(
        "IN in another order", "written_otherwise", S, "in ('paid', 'sent')", "in ('sent', 'paid')"
    ),
    one(
        "IN written as OR",
        "written_otherwise",
        S,
        "{{ Dimension('order__status') }} in ('paid', 'sent')",
        (
            "({{ Dimension('order__status') }} = 'sent' or {{ Dimension('order__status') "
            "}} = 'paid')"
        ),
    ),
    one(
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
    one(
        "two filters joined by AND",
        "",
        S,
        "in ('paid', 'sent')\"\n      - \"",
        "in ('paid', 'sent') and ",
    ),
    one(
        "NOT moved inwards",
        "written_otherwise",
        S,
        "{{ Dimension('unit__country') }} <> 'XX'",
        "not {{ Dimension('unit__country') }} = 'XX'",
    ),
    one(
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
    one(
        "a measure's description",
        "description",
        M,
        "description: Orders.",
        "description: Orders placed.",
    ),
    one("a dimension's label", "label", M, "label: Channel", "label: Sales channel"),
    one(
        "a dimension's description",
        "description",
        M,
        "Where the order stands.",
        "How far the order is.",
    ),
    one(
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
    one("a span in the singular", "", S, "window: 1 day", "window: 1 days"),
    one(
        "a number with a zero more",
        "",
        S,
        "minimum_effect_of_interest: 0.5\n",
        "minimum_effect_of_interest: 0.50\n",
    ),
    one("a saved query's label", "label", D, "label: Weekly sales", "label: Sales by week"),
    one(
        "a saved query sorted",
        "saved_query_order",
        D,
        "      where:",
        "      order_by: [revenue]\n      where:",
    ),
    one("a dashboard's owner", "dashboard", M, "owner: {name: sales}", "owner: {name: shops}"),
    one(
        "a semantic model's name",
        "",
        M,
        "- name: visits\n    model",
        "- name: page_visits\n    model",
    ),
)

COMPATIBLE = (
    one(
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
    one(
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
    one(
        "a new dimension",
        "dimension_added",
        M,
        "      - {name: page, type: categorical}",
        ("      - {name: page, type: categorical}\n      - {name: seconds, type: categorical}"),
    ),
    one(
        "a new dimension of the unit",
        "dimension_added",
        M,
        "      - {name: plan, type: categorical}",
        (
            "      - {name: plan, type: categorical}\n"
            "      - {name: has_plan, type: categorical, expr: plan is not null}"
        ),
    ),
    one(
        "a new measure",
        "measure_added",
        M,
        "      - {name: visit_count,",
        ("      - {name: seconds_sum, agg: sum, expr: seconds}\n      - {name: visit_count,"),
    ),
    one(
        "a new entity",
        "entity_added",
        M,
        "      - {name: visit, type: primary, expr: visit_id}",
        (
            "      - {name: visit, type: primary, expr: visit_id}\n"
            "      - {name: site, type: foreign, expr: page}"
        ),
    ),
    one(
        "a new saved query",
        "saved_query_added",
        D,
        "saved_queries:\n",
        "saved_queries:\n  - {name: all_orders, query_params: {metrics: [orders]}}\n",
    ),
    one(
        "a metric more in a saved query",
        "saved_query_metric_added",
        D,
        "[revenue, orders]",
        "[revenue, orders, basket_p90]",
    ),
    one(
        "a deprecation begun",
        "deprecated",
        S,
        "direction: increase_is_good}}\n  - name: orders_to_date",
        "direction: increase_is_good, deprecated: {since: 2026-11-28, until: 2027-06-30}}}\n"
        "  - name: orders_to_date",
    ),
    one(
        "a deprecation extended",
        "deprecation_extended",
        S,
        "until: 2026-06-30",
        "until: 2027-06-30",
    ),
    one(
        "a deprecation withdrawn",
        "deprecation_withdrawn",
        S,
        "        deprecated: {since: 2026-01-01, until: 2026-06-30, use: orders}\n",
        "",
    ),
    one("another successor", "deprecation_successor", S, "use: orders}", "use: revenue}"),
    one(
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
    one(
        "a revision more",
        "revision_added",
        S,
        "tier: team\n        revisions: [",
        ("tier: team\n        revisions: [{date: 2026-11-28, change: reviewed, by: sales}, "),
    ),
    one("a tier lowered", "tier_lowered", S, "tier: certified", "tier: draft"),
    one(
        "a minimum effect said first",
        "threshold_added",
        S,
        "tier: team\n",
        "tier: team\n        minimum_effect_of_interest: 0.1\n",
    ),
    one(
        "a margin said first",
        "threshold_added",
        S,
        "tier: team\n",
        "tier: team\n        non_inferiority_margin: 0.1\n",
    ),
    one(
        "rows for periods without any",
        "gap_rows",
        S,
        "type_params: {measure: paid_usd}",
        "type_params: {measure: {name: paid_usd, join_to_timespine: true}}",
    ),
    one(
        "a measure that no metric uses gone",
        "unused_measure",
        M,
        "      - {name: tax_sum, agg: sum, expr: tax_usd}\n",
        "",
    ),
    one(
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
    one(
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
