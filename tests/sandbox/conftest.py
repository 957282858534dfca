"""A client that knows nothing of the sandbox but its address and its key."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Venue


class Client:
    def __init__(self, api: TicketTailorApi) -> None:
        self.api = api
        self.session = requests.Session()
        self.session.auth = (api.key, "")

    def get(self, path: str, **params: Any) -> requests.Response:
        """One request; ``created_at__gte`` stands for ``created_at.gte``."""
        named = {name.replace("__", "."): value for name, value in params.items()}
        return self.session.get(self.api.url + path, params=named, timeout=10)

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """One page's objects."""
        response = self.get(path, **params)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def walk(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Every page, as the documentation says: until ``links.next`` is null."""
        found: list[dict[str, Any]] = []
        params.setdefault("limit", 100)
        while True:
            page = self.get(path, **params).json()
            found += page["data"]
            if page["links"]["next"] is None:
                return found
            params["starting_after"] = page["data"][-1]["id"]


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    """Starts an API over a venue (default: a small one) and returns a client of it; stopped after the test."""
    running: list[TicketTailorApi] = []

    def start(venue: Venue | dict[str, Venue] | None = None, **options: Any) -> Client:
        api = TicketTailorApi(Venue(1) if venue is None else venue, **options).start()
        running.append(api)
        return Client(api)

    yield start
    for api in running:
        api.stop()
