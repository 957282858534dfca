"""Whether a webhook is from Ticket Tailor: the signature in its header `Tickettailor-Webhook-Signature`.

The header is ``t=<unix seconds>,v1=<hex>``; the signature is the HMAC-SHA256, keyed with the webhook's own secret, of
the digits of ``t`` and the body with nothing between them (Ticket Tailor's documentation of webhooks, its sample code).
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterable

# other published examples of the header write s= for v1=
_HEADER = re.compile(r"t=([0-9]{10}),\s?(?:v1|s)=([0-9a-fA-F]{64})")


def signed_at(header: str, body: bytes, secrets: Iterable[str]) -> dt.datetime | None:
    """When (UTC) the body was signed with one of the secrets; None if it was not.

    ``body`` are the bytes as they came: the same JSON written differently has another signature.
    """
    found = _HEADER.fullmatch(header)
    if found is None:
        return None
    seconds, signature = found.groups()
    signed = [hmac.new(secret.encode(), seconds.encode() + body, hashlib.sha256).hexdigest() for secret in secrets]
    # compares with each secret, so that the time it takes reveals nothing
    if not sum(hmac.compare_digest(one, signature.lower()) for one in signed):
        return None
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC)
