"""The lists that the API has, and how each can be read."""

from dataclasses import dataclass, field

from pipelines.door import Shape
from pipelines.errors import ConfigProblem
from pipelines.ticket_tailor.documents import ANYTHING


@dataclass(frozen=True)
class List:
    """One list of the API.

    name        what settings and raw call it
    path        below the API's address; ``{parent}`` stands for the id of an object of the list ``parent``
    filter      the query parameter with ``.gte`` and ``.lt`` (unix seconds) that cuts the list into spans; None: the
                list has no filter to trust and is read from one end to the other
    each_run    read by every run; the others once an hour
    keeps       every version ("versions") or the latest one only ("latest")
    parent      the list whose objects this one hangs on
    shape       what the door looks at: an amount that is not exact or a list that is none would be wrong numbers later
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
LISTS = {
    each.name: each
    for each in (
        List("orders", "/v1/orders", filter="created_at", each_run=True, shape=_ORDER),
        List("events", "/v1/events", each_run=True, keeps="latest"),
        List("issued_tickets", "/v1/issued_tickets", filter="created_at", each_run=True, shape=_TICKET),
        List("event_series", "/v1/event_series"),
        List("check_ins", "/v1/check_ins", filter="check_in_at"),
        List("products", "/v1/products"),
        List("discounts", "/v1/discounts"),
        List("vouchers", "/v1/vouchers"),
        List("voucher_codes", "/v1/vouchers/{parent}/codes", parent="vouchers"),
        List("holds", "/v1/holds"),
        List("membership_types", "/v1/membership_types"),
        List("issued_memberships", "/v1/issued_memberships"),
        List("waitlist_signups", "/v1/event_series/{parent}/waitlist_signups", parent="event_series"),
    )
}


def chosen(names: tuple[str, ...] | None) -> list[List]:
    """The lists of these names, all when None. Raises ConfigProblem for a name that is none."""
    if names is None:
        return list(LISTS.values())
    if unknown := sorted(set(names) - set(LISTS)):
        raise ConfigProblem(
            f"Ticket Tailor has no list {', '.join(unknown)}. Its lists: {', '.join(LISTS)}. Nothing was run."
        )
    return [LISTS[name] for name in LISTS if name in names]
