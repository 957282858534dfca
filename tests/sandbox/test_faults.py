"""Faults come as announced: seeded, of the kinds asked for, never too many in a row."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.faults import KINDS, Faults

Serve = Callable[..., Any]


def only(kind: str, **more: Any) -> Faults:
    return Faults(rate=1.0, kinds=(kind,), in_a_row=1, **more)


@pytest.mark.parametrize("status", ["429", "500", "502", "503", "504"])
def test_statuses(serve: Serve, status: str) -> None:
    client = serve(faults=only(status, retry_after=7))
    response = client.get("/v1/orders")
    assert response.status_code == int(status)
    assert response.headers.get("Retry-After") == ("7" if status == "429" else None)
    assert client.get("/v1/orders").status_code == 200, "not twice in a row"


@pytest.mark.parametrize(
    ("kind", "error"),
    [("reset", requests.ConnectionError), ("cut", requests.exceptions.ChunkedEncodingError)],
)
def test_broken_connections(serve: Serve, kind: str, error: type[Exception]) -> None:
    client = serve(faults=only(kind))
    with pytest.raises(error):
        client.get("/v1/orders")
    assert client.get("/v1/orders").status_code == 200


def test_no_answer_until_the_client_gives_up(serve: Serve) -> None:
    client = serve(faults=only("hang"))
    with pytest.raises(requests.Timeout):
        client.session.get(client.api.url + "/v1/orders", timeout=0.05)


def test_answers_that_lie(serve: Serve) -> None:
    assert "data" not in serve(faults=only("not_data")).get("/v1/orders").json()
    html = serve(faults=only("html")).get("/v1/orders")
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html")
    half = serve(faults=only("half_json")).get("/v1/orders")
    with pytest.raises(requests.JSONDecodeError):
        half.json()
    wrong = serve(faults=only("wrong_type")).get("/v1/orders")
    assert wrong.headers["Content-Type"] == "text/html" and wrong.json()["data"]


def test_the_share_and_the_seed_decide(serve: Serve) -> None:
    def faults(seed: int) -> list[str | None]:
        client = serve(faults=Faults(rate=0.2, seed=seed, kinds=("500", "503"), in_a_row=99))
        for _ in range(200):
            client.get("/v1/ping")
        return [one.fault for one in client.api.requests]

    first = faults(1)
    assert first == faults(1) != faults(2)
    assert 20 <= sum(one is not None for one in first) <= 60


def test_a_client_that_tries_again_gets_through(serve: Serve) -> None:
    client = serve(faults=Faults(rate=1.0, kinds=("500",), in_a_row=2))
    assert [client.get("/v1/ping").status_code for _ in range(6)] == [500, 500, 200, 500, 500, 200]


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="gremlins"):
        Faults(kinds=("gremlins",))
    assert set(Faults().kinds) <= set(KINDS)
