"""Which account a token belongs to."""

import datetime as dt
import hashlib
import secrets
from pathlib import Path
from typing import NamedTuple

from boxoffice.errors import ConfigProblem
from boxoffice.settings import Settings


class Account(NamedTuple):
    """A Ticketor site or a Ticket Tailor box office that receives webhooks. ``secrets`` sign those of Ticket Tailor."""

    platform: str
    name: str
    buffer: Path
    secrets: tuple[str, ...] = ()
    max_age: dt.timedelta = dt.timedelta(0)

    def __str__(self) -> str:
        return f"{self.platform} {self.name}"


def by_token(settings: Settings) -> dict[str, Account]:
    """The accounts by the SHA-256 of their tokens, in hexadecimal.

    Raises ConfigProblem where an account has a token but not what else it needs, and where none has one.
    """
    found: dict[str, Account] = {}
    for site in settings.sites:
        if not site.token_sha256:
            continue
        _add(found, site.token_sha256, Account("ticketor", site.name, _folder(site.buffer, "ticketor", site.name)))
    for office in settings.box_offices:
        if not office.token_sha256:
            continue
        if not office.webhook_secret:
            raise ConfigProblem(
                f"[ticket_tailor.box_offices.{office.name}] has a token_sha256 and no webhook_secret, without which "
                "no webhook can be verified. Nothing was started. Ticket Tailor shows the secret beside the webhook."
            )
        folder = _folder(office.buffer, "ticket_tailor", office.name)
        account = Account("ticket_tailor", office.name, folder, office.webhook_secret, office.webhook_max_age)
        _add(found, office.token_sha256, account)
    if not found:
        raise ConfigProblem(
            "No account has a token_sha256, so no webhook could be accepted. Nothing was started.\n"
            "For a new token: boxoffice receive --new-token ticketor NAME"
        )
    return found


def _add(found: dict[str, Account], tokens: tuple[str, ...], account: Account) -> None:
    for token in tokens:
        other = found.setdefault(token, account)
        if other is not account:
            raise ConfigProblem(f"{account} and {other} have the same token_sha256. Nothing was started.")


def _folder(buffer: str, platform: str, name: str) -> Path:
    address = buffer.removeprefix("file://")
    if not address or "://" in address:
        raise ConfigProblem(
            f"The buffer of {platform} {name} is {buffer or 'not set'}, and should be a folder: the receiver writes "
            "to this machine's disks alone. Nothing was started."
        )
    return Path(address)


def new_token() -> tuple[str, str]:
    """A token of 256 random bits, 43 characters long, and its SHA-256."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> str:
    """The SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()
