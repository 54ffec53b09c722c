import json

import pytest

API = "https://api.github.com/repos/octo/shop"


def deployment(number, **given):
    found = {
        "url": f"{API}/deployments/{number}",
        "id": number,
        "sha": "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d",
        "ref": "v1.2.0",
        "task": "deploy",
        "payload": {"deploy": "migrate"},
        "original_environment": "staging",
        "environment": "production",
        "description": "Deploy request from hubot",
        "creator": {"login": "ann", "id": 1},
        "created_at": f"2026-11-0{number}T01:19:13Z",
        "updated_at": f"2026-11-0{number}T01:20:13Z",
        "statuses_url": f"{API}/deployments/{number}/statuses",
        "repository_url": API,
        "transient_environment": False,
        "production_environment": True,
    }
    return {**found, **given}


def status(number, of, **given):
    found = {
        "url": f"{API}/deployments/{of}/statuses/{number}",
        "id": number,
        "state": "success",
        "creator": {"login": "bot", "id": 2},
        "description": "Deployment finished successfully.",
        "environment": "production",
        "target_url": "",
        "created_at": f"2026-11-0{of}T01:2{number}:00Z",
        "deployment_url": f"{API}/deployments/{of}",
        "repository_url": API,
        "environment_url": "https://shop.example",
        "log_url": "https://ci.example/1",
    }
    return {**found, **given}


@pytest.fixture
def deployments(source):
    return source("github_deployments", "releases")


def test_deployments_and_statuses_are_rows_of_their_own(deployments):
    account = deployments.take(
        deployment(1),
        deployment(2, description=None, environment="staging", production_environment=False),
        status(7, 1, state="in_progress", environment_url=""),
        {"action": "created", "deployment_status": status(8, 1), "deployment": deployment(1),
         "repository": {"full_name": "octo/shop"}},
        {"action": "created", "deployment": deployment(3)},
    )  # fmt: skip

    assert account.accepted == 5
    asked, done = "Deploy request from hubot", "Deployment finished successfully."
    shop, site = "octo/shop", "https://shop.example"
    assert deployments.rows() == [
        ("1", "2026-11-01 01:19:13", shop, "v1.2.0", "production", "pending", None, asked),
        ("1:7", "2026-11-01 01:27:00", shop, None, "production", "in_progress", None, done),
        ("1:8", "2026-11-01 01:28:00", shop, "v1.2.0", "production", "success", site, done),
        ("2", "2026-11-02 01:19:13", shop, "v1.2.0", "staging", "pending", None, None),
        ("3", "2026-11-03 01:19:13", shop, "v1.2.0", "production", "pending", None, asked),
    ]
    found = deployments.properties()
    assert found["1"] == {
        "commit": "a84d88e7554fc1fa21bcbc4efae3c782a70d2b9d",
        "task": "deploy",
        "creator": "ann",
        "is_production": True,
        "is_transient": False,
    }
    assert found["1:8"]["log_url"] == "https://ci.example/1"
    assert deployments.deliver_again() == (0, 5)


def test_a_page_of_the_api_is_read(deployments):
    account = deployments.take(text=json.dumps([deployment(1), deployment(2)], indent=2))

    assert account.accepted == 2


def test_a_deployment_that_went_on_is_the_same_one(deployments):
    deployments.take(deployment(1))

    again = deployments.take(deployment(1, updated_at="2026-11-20T00:00:00Z"), name="b.jsonl")

    assert (again.accepted, again.duplicate) == (0, 1)


def test_a_broken_record_is_refused_and_its_neighbours_stay(deployments):
    account = deployments.take(
        deployment(1),
        deployment(2, created_at=20261101),
        deployment(3, repository_url=None),
        status(4, 1, deployment_url="none"),
        "{}",
        deployment(6),
    )

    assert account.accepted == 2
    assert deployments.refused() == [
        (2, "bad_time"), (3, "no_name"), (4, "no_id"), (5, "no_id"),
    ]  # fmt: skip


def test_no_value_of_any_field_ends_the_run(deployments, wrong_values):
    records = wrong_values({"deployment_status": status(8, 1), "deployment": deployment(1)})
    records += wrong_values(status(7, 1))

    account = deployments.take(*records)

    assert account.rows_in == len(records)
