"""Calls of Ticketor's API by `boxoffice call`: it offers nothing to load.

Its page asks for Basic authentication with a user who has the permission "API Access", below <host>/api/<client id>.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.raw import answers
from boxoffice.settings import Site

SECONDS = 60
LARGEST = 64 * 2**20  # bytes, inflated


class Answer(NamedTuple):
    """Its status, and its body as text."""

    status_code: int
    text: str


def call(
    site: Site,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: str | None = None,
) -> Answer:
    """One request to ``<api_url>/<client id>/<path>``, with Basic authentication; the answer whatever its status.

    Raises ConfigProblem when the site has no user, password, client id or host, Problem when there is no answer, or
    none that ends.
    """
    missing = [name for name in ("host", "client_id", "user", "password") if not getattr(site, name)]
    if missing:
        raise ConfigProblem(
            f"[ticketor.sites.{site.name}] has no {', '.join(missing)}. Nothing was sent.\n"
            "The client id is in Ticketor's Control Panel; ask support for API access first."
        )
    base = site.host if "://" in site.host else f"https://{site.host}"
    if urlsplit(base).scheme != "https" and urlsplit(base).hostname != "127.0.0.1":
        raise ConfigProblem(f"[ticketor.sites.{site.name}] host should be https: the password goes with every request.")
    try:
        with answers.deadline(answers.LONGEST), answers.session() as session:
            response = session.request(
                method.upper(),
                f"{base.rstrip('/')}/api/{site.client_id}/{path.lstrip('/')}",
                params=dict(query or {}),
                headers=dict(headers or {}),
                data=body.encode() if body is not None else None,
                auth=(site.user, site.password),
                timeout=SECONDS,
                allow_redirects=False,
                stream=True,
            )
            return Answer(response.status_code, answers.read(response, LARGEST).decode("utf-8", "replace"))
    except answers.Endless as endless:
        raise Problem(f"Ticketor's answer to {method.upper()} {path} was not read: {endless}.") from None
    except requests.RequestException as error:
        raise Problem(f"Ticketor did not answer {method.upper()} {path}: {type(error).__name__}.") from None
