"""What Ticket Tailor orders are made of: the pieces that ``tailor_aftermath`` and ``tailor_sales`` put together."""

import dataclasses
from collections.abc import Callable

from sandbox.catalogue import BUNDLE_LEVELS, BUNDLE_NAME, LEVELS, MEMBERSHIP, Product
from sandbox.draw import Draw
from sandbox.tailor_order import Line, Order, Seat
from sandbox.venue import Change

Build = Callable[[Order, Draw], None]
FULL_PRICE = (0, 1, 2)  # the levels that cost something
PROMOTION, GIFT_CARD = "vo_4001", "vo_4002"  # vouchers, by what they are; tailor_programme lists them


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """A kind of order: how it is made, in which currency, and whether it has no event."""

    build: Build
    currency: str = "GBP"
    store_only: bool = False


class Cases(dict[str, Case]):
    """Kinds of orders by name; called, it takes the function below it in."""

    def __call__(self, name: str, currency: str = "GBP", store_only: bool = False) -> Callable[[Build], Build]:
        def register(build: Build) -> Build:
            self[name] = Case(build, currency, store_only)
            return build

        return register


def tickets(order: Order, level: int, quantity: int) -> Line:
    event, seats = order.event, order.seats
    value = event.prices[level]
    numbers = tuple(range(len(seats), len(seats) + quantity))
    for number in numbers:
        seats.append(Seat(number, level, value))
    item = f"tt_{ticket_type_number(event.series, level)}"
    total = value * quantity
    line = Line("ticket", item, LEVELS[level], quantity, value, total, total, tickets=numbers)
    order.lines.append(line)
    return line


def bundle(order: Order) -> None:
    event = order.event
    first = len(order.seats)
    order.seats.extend(Seat(first + n, level, event.prices[level]) for n, level in enumerate(BUNDLE_LEVELS))
    price = event.bundle_price
    order.lines.append(
        Line(
            "bundle",
            f"bu_{bundle_number(event.series)}",
            BUNDLE_NAME,
            1,
            price,
            price,
            price,
            tickets=tuple(range(first, first + len(BUNDLE_LEVELS))),
        )
    )


def product(order: Order, thing: Product, quantity: int = 1) -> None:
    price = thing.prices[order.currency]
    meaning = "membership" if thing is MEMBERSHIP else "product"
    prefix = "mt" if thing is MEMBERSHIP else "pr"
    order.lines.append(
        Line(meaning, f"{prefix}_{thing.number}", thing.name, quantity, price, price * quantity, price * quantity)
    )


def donation(order: Order, amount: int) -> None:
    order.lines.append(Line("donation", None, "Donation", 1, amount, amount, amount))


def gift_card(order: Order, amount: int) -> None:
    order.lines.append(Line("gift_card", GIFT_CARD, "Gift card", 1, amount, amount, amount))


def charge(order: Order, amount: int) -> None:
    order.lines.append(Line("charge", None, "Transaction fee", 1, amount, amount, amount))


def less(order: Order, meaning: str, amount: int) -> None:
    """A line that takes ``amount`` off: a discount code (``discount``), a voucher that no one paid for (``promotion``),
    or one that somebody did (``voucher``)."""
    item, text = {
        "discount": ("di_3001", "Discount: EARLY"),
        "promotion": (PROMOTION, "Voucher: QUAY-77"),
        "voucher": (GIFT_CARD, "Voucher: GIFT-42"),
    }[meaning]
    order.lines.append(Line(meaning, item, text, 1, -amount, -amount, -amount))


def fee(line: Line, amount: int, *, inside: bool, per_ticket: bool = True) -> None:
    line.fee_given = amount
    line.fee = amount * line.quantity if per_ticket else amount
    line.fee_inside = inside
    if inside:
        line.total += line.fee


def ticket_type_number(series: int, level: int) -> int:
    return 500_000 + series * 10 + level


def bundle_number(series: int) -> int:
    return 700_000 + series


def free(order: Order) -> None:
    order.paid_with = "no_cost"


def later(order: Order, at: int, what: str, amount: int = 0, ticket: int = 0) -> int:
    """Something that happens ``at`` seconds after the order was made; returns the moment, to go on from."""
    order.changes.append(Change(order.created + at, what, amount, ticket))
    return at
