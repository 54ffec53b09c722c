"""Snowplow's canonical event: its fields in their order, and the select over them.

Both formats hand this select the same columns: the atomic fields as text; `self_described`, the
data of the event's own schema; and `entities`, an object of the entities by their column's name.

Source:
    Snowplow, Enriched stream TSV file format (order); Snowplow atomic event properties (types);
    Timestamps (derived_tstamp, true_tstamp).
"""

from __future__ import annotations

from .sql import boolean, merged, number, quoted, select, true_if, utc, within

_ORDER = """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id
    name_tracker v_tracker v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid
    domain_sessionidx network_userid geo_country geo_region geo_city geo_zipcode geo_latitude
    geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title
    page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
    page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery
    refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term mkt_content
    mkt_campaign contexts se_category se_action se_label se_property se_value unstruct_event
    tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid
    ti_sku ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min
    pp_yoffset_max useragent br_name br_family br_version br_type br_renderengine br_lang
    br_features_pdf br_features_flash br_features_java br_features_director br_features_quicktime
    br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight
    br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer
    os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width
    doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base
    base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp refr_domain_userid
    refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor event_name
    event_format event_version event_fingerprint true_tstamp
"""
#: The 131 fields of an enriched event, in the order of the TSV.
ENRICHED = tuple(_ORDER.split())
#: Fields that hold self-describing JSON; a table has columns of their own for it.
NESTED = ("contexts", "unstruct_event", "derived_contexts")
#: Columns of an events table that are no entity.
ATOMIC = (*(name for name in ENRICHED if name not in NESTED), "load_tstamp")
#: Columns that the readers add to the atomic ones.
ADDED = ("self_described", "entities")

#: Fields with a column of the envelope, which the properties need not repeat.
_MAPPED = frozenset({"event_id", "user_id", "event_name", "domain_sessionid", "domain_userid"})
_NUMERIC = """
    txn_id domain_sessionidx geo_latitude geo_longitude page_urlport refr_urlport se_value tr_total
    tr_tax tr_shipping ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min
    pp_yoffset_max br_viewwidth br_viewheight dvce_screenwidth dvce_screenheight doc_width
    doc_height tr_total_base tr_tax_base tr_shipping_base ti_price_base
"""
_NUMBERS = frozenset(_NUMERIC.split())
_BOOLEANS = frozenset(
    name
    for name in ENRICHED
    if name.startswith("br_features_") or name in ("br_cookies", "dvce_ismobile")
)

_CONTEXT = "contexts_com_snowplowanalytics"
_IN_ENTITIES = {
    "page_view": ("snowplow_web_page", "id"),
    "session": ("snowplow_client_session", "sessionId"),
    "session_user": ("snowplow_client_session", "userId"),
    "version": ("mobile_application", "version"),
}
# a loader names an entity's column by its model (_1), an older one by the whole version (_1_0_0)
_FOUND = within(
    '"entities"',
    {
        f"{name}{version}": f"/{_CONTEXT}_{entity}{version}/0/{field}"
        for name, (entity, field) in _IN_ENTITIES.items()
        for version in ("_1", "_1_0_0")
    },
)


def _entity(name: str) -> str:
    return f"coalesce({_FOUND[name + '_1']}, {_FOUND[name + '_1_0_0']})"


def _member(name: str) -> str:
    column = f'"{name}"'
    if name in _NUMBERS:
        return number(column)
    return boolean(column) if name in _BOOLEANS else quoted(column)


_TIMES = [utc(f'"{name}"') for name in ("true_tstamp", "derived_tstamp", "collector_tstamp")]
# the IAB enrichment; loaders spell its field in camel or in snake case
_IS_BOT = 'regexp_matches("entities", \'"spider_?[oO]r_?[rR]obot":\\s*true\')'

SELECTS = {
    "events": select(
        {
            "event_id": '"event_id"',
            "event_name": 'coalesce("event_name", "event")',
            "occurred_at": f"coalesce({', '.join(_TIMES)})",
            "received_at": utc('"collector_tstamp"'),
            "user_id": '"user_id"',
            "anonymous_id": (
                f'coalesce("domain_userid", {_entity("session_user")}, "network_userid")'
            ),
            "session_id": f'coalesce("domain_sessionid", {_entity("session")})',
            "app_version": _entity("version"),
            "properties": merged(
                '"self_described"',
                {
                    "page_view_id": quoted(_entity("page_view")),
                    "is_bot": true_if(_IS_BOT),
                    "country": quoted('"geo_country"'),
                    **{name: _member(name) for name in ATOMIC if name not in _MAPPED},
                    "entities": "nullif(\"entities\", '{}')",
                },
            ),
        }
    )
}
