import json

import pytest


def event(number, predicate="deployed", version="1.2.0", **given):
    found = {
        "context": {
            "version": "0.4.1",
            "id": f"271069a8-fc18-44f1-b38f-9d70a169581{number}",
            "chainId": "4c8cb7dd-3448-41de-8768-eec704e2829b",
            "source": "/staging/tekton",
            "type": f"dev.cdevents.service.{predicate}.0.2.0",
            "timestamp": f"2026-11-0{number}T14:27:05.315384Z",
        },
        "subject": {
            "id": "service/shop",
            "source": "/staging/tekton",
            "type": "service",
            "content": {
                "environment": {"id": "production", "source": "/clusters"},
                "artifactId": f"pkg:oci/shop@{version}?repository_url=registry.example%2Fshop",
            },
        },
    }
    return {**found, **given}


def bare(one):
    """An event without what it says of itself."""
    return {**one, "subject": {**one["subject"], "content": {"environment": {"id": "test"}}}}


@pytest.fixture
def cdevents(source):
    return source("cdevents", "releases")


def test_services_that_changed_are_releases(cdevents):
    digest = "sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"
    cloud = {
        "specversion": "1.0",
        "id": "A234",
        "source": "/other",
        "type": "dev.cdevents.service.upgraded.0.2.0",
        "datacontenttype": "application/json",
        "data": event(2, "upgraded", digest),
    }

    account = cdevents.take(
        event(1),
        cloud,
        event(3, "rolledback", "1.1.0", customData={"why": "errors"}),
        bare(event(4, "published")),
        event(5, "removed"),
        event(6, "deployed", "1.3.0"),
    )

    assert (account.rows_in, account.accepted, account.reasons) == (6, 5, {"not_selected": 1})
    head, clock = "/staging/tekton#271069a8-fc18-44f1-b38f-9d70a169581", "14:27:05.315384"
    name, place = "service/shop", "production"
    read = "sha256:0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"
    assert cdevents.rows() == [
        (f"{head}1", f"2026-11-01 {clock}", name, "1.2.0", place, "deployed", None, None),
        (f"{head}2", f"2026-11-02 {clock}", name, read, place, "upgraded", None, None),
        (f"{head}3", f"2026-11-03 {clock}", name, "1.1.0", place, "rolledback", None, None),
        (f"{head}4", f"2026-11-04 {clock}", name, None, "test", "published", None, None),
        (f"{head}6", f"2026-11-06 {clock}", name, "1.3.0", place, "deployed", None, None),
    ]
    assert cdevents.properties()[f"{head}3"] == {
        "type": "dev.cdevents.service.rolledback.0.2.0",
        "event_source": "/staging/tekton",
        "chain_id": "4c8cb7dd-3448-41de-8768-eec704e2829b",
        "artifact": "pkg:oci/shop@1.1.0?repository_url=registry.example%2Fshop",
        "custom": {"why": "errors"},
    }
    assert cdevents.deliver_again() == (0, 5)


def test_an_event_in_a_file_of_its_own_is_read(cdevents):
    account = cdevents.take(text=json.dumps(event(1), indent=2), name="event.json")

    assert account.accepted == 1


def test_a_broken_event_is_refused_and_its_neighbours_stay(cdevents):
    late = event(2)
    late["context"]["timestamp"] = "14:27"
    nameless = event(3)
    del nameless["subject"]
    unknown = event(4)
    del unknown["context"]["id"]

    account = cdevents.take(event(1), late, nameless, unknown, '{"context": 5}', event(6))

    assert account.accepted == 2
    assert cdevents.refused() == [
        (2, "bad_time"), (3, "no_name"), (4, "no_id"), (5, "not_selected"),
    ]  # fmt: skip


def test_no_value_of_any_field_ends_the_run(cdevents, wrong_values):
    records = wrong_values(event(1)) + wrong_values({"data": event(2)})

    account = cdevents.take(*records)

    assert account.rows_in == len(records)
