"""The lists that the API has, and how each can be read."""

from dataclasses import dataclass, field

from boxoffice.errors import ConfigProblem
from boxoffice.raw.validation import Shape
from boxoffice.ticket_tailor.pages import ANYTHING


@dataclass(frozen=True)
class Endpoint:
    """One list of the API.

    name        what settings and raw call it
    path        below the API's address; ``{parent}`` is the id of an object of the list ``parent``
    filter      the query parameter with ``.gte`` and ``.lt`` (unix seconds) that cuts the list into spans; None: the
                list has no filter to trust and is read from one end to the other
    each_run    read by every run; the others once an hour
    keeps       every version ("versions") or the latest one only ("latest")
    parent      the list whose objects this one belongs to
    shape       what validation looks at: an inexact amount or a list that is none would be wrong numbers later
    """

    name: str
    path: str
    filter: str | None = None
    each_run: bool = False
    keeps: str = "versions"
    parent: str | None = None
    shape: Shape = field(default=ANYTHING, repr=False, compare=False)


_TICKET = Shape(money=("listed_price",))
_ORDER = Shape(
    money=("subtotal", "tax", "total", "total_paid", "refund_amount", "credited_out_amount"),
    lists={
        "line_items": Shape(money=("value", "total", "booking_fee"), quantities=("quantity",)),
        "issued_tickets": _TICKET,
    },
)

# A created_at filter is documented for orders and issued_tickets; events have none; elsewhere it is unknown. check_ins
# are said to have check_in_at, which is created_at but for scans that a device sent in later; where the platform should
# ignore it, the list comes whole.
ENDPOINTS = {
    each.name: each
    for each in (
        Endpoint("orders", "/v1/orders", filter="created_at", each_run=True, shape=_ORDER),
        Endpoint("events", "/v1/events", each_run=True, keeps="latest"),
        Endpoint("issued_tickets", "/v1/issued_tickets", filter="created_at", each_run=True, shape=_TICKET),
        Endpoint("event_series", "/v1/event_series"),
        Endpoint("check_ins", "/v1/check_ins", filter="check_in_at"),
        Endpoint("products", "/v1/products"),
        Endpoint("discounts", "/v1/discounts"),
        Endpoint("vouchers", "/v1/vouchers"),
        Endpoint("voucher_codes", "/v1/vouchers/{parent}/codes", parent="vouchers"),
        Endpoint("holds", "/v1/holds"),
        Endpoint("membership_types", "/v1/membership_types"),
        Endpoint("issued_memberships", "/v1/issued_memberships"),
        Endpoint("waitlist_signups", "/v1/event_series/{parent}/waitlist_signups", parent="event_series"),
    )
}

# no order depends on them: what is made of them (source raw_ticket_tailor_lists) is built when one of them has news
OF_NO_ORDER = frozenset(
    {"vouchers", "voucher_codes", "holds", "membership_types", "issued_memberships", "waitlist_signups"}
)


def chosen(names: tuple[str, ...] | None) -> list[Endpoint]:
    """The lists of these names, all when None. Raises ConfigProblem for a name that is none."""
    if names is None:
        return list(ENDPOINTS.values())
    if unknown := sorted(set(names) - set(ENDPOINTS)):
        raise ConfigProblem(
            f"Ticket Tailor has no list {', '.join(unknown)}. Its lists: {', '.join(ENDPOINTS)}. Nothing was run."
        )
    return [ENDPOINTS[name] for name in ENDPOINTS if name in names]
