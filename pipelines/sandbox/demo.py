"""``make demo``: the made-up venue through the whole pipeline; typed again, a day has passed.

Real HTTP, real files, the real run; only the sales are invented, and the clock is the venue's: it opens a week ago, so
that a week of days can pass before its records would lie in the future. What the demo must remember is in
``<data_dir>/sandbox/state.json``, beside the webhook files; that file also marks a data folder as the demo's, and a run
refuses to mix real accounts into it.
"""

import dataclasses
import datetime
import json
import time
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape

from boxoffice.errors import Problem
from boxoffice.settings import Settings, load_settings
from sandbox import demo_report
from sandbox.catalogue import DAY, HOUR, Event
from sandbox.tailor import make_order
from sandbox.tailor_json import event_id
from sandbox.theatre import Theatre
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.ticketor import make_story
from sandbox.ticketor_items import FIRST_INVOICE, INVOICES_A_STORY, Invoice, Story
from sandbox.ticketor_webhooks import write_broken, write_webhooks
from sandbox.venue import TAILOR, TICKETOR, Change

ACCOUNT = "sandbox_hall"
SEED, ORDERS = 7, 2000
AHEAD = 7  # days that can pass at once: the venue opens so long ago
TIME_ZONE = "Europe/London"
BROKEN_FILES = ("truncated", "html", "empty", "two_shapes", "nan")


@dataclasses.dataclass
class State:
    """What the demo remembers between two calls. Moments are the venue's, in unix seconds."""

    end: int
    seed: int = SEED
    orders: int = ORDERS
    day: int = -1
    looks: list[int] = dataclasses.field(default_factory=list)

    @property
    def now(self) -> int:
        return self.end + max(self.day, 0) * DAY


def demo(environ: Mapping[str, str], out: Console, orders: int = ORDERS) -> State:
    """One call of ``make demo``: lets a day pass (the first time: opens the venue), runs the pipeline, prints answers.

    ``environ`` is asked for BOXOFFICE_DATA_DIR only; the venue opens with so many ``orders`` on each platform. Raises
    Problem when the data folder holds a warehouse that is not the demo's, or when the run fails.
    """
    from boxoffice.run import run as runs

    started = time.monotonic()

    def echo(line: str) -> None:
        out.print(f"[dim]{time.monotonic() - started:5.1f} s[/dim]  {escape(line)}", soft_wrap=True)

    data_dir = _data_dir(environ)
    state = _state(data_dir, orders)
    if state.day >= 0 and state.now + DAY > time.time():
        raise Problem(
            f"At the venue it is {_local(state.now):%A %d %B, %H:%M}: the next day would lie in the future. Nothing "
            f"was run.\nCome back tomorrow, or remove {data_dir} to begin the demo again."
        )
    folder = data_dir / "sandbox"
    buffer = folder / "webhooks"
    before = state.now
    _save(data_dir, state)  # before anything else: from here on the folder is the demo's, whatever happens
    state.day += 1
    venue = venue_of(state)
    first = state.day == 0
    if first:
        echo(f"opening a made-up venue: {state.orders:,} orders on each platform over {venue.days} days")
    else:
        echo(f"a day passes at the venue: it is now {_local(state.now):%A %d %B %Y, %H:%M}")
    files = write_webhooks(venue, buffer, since=None if first else before, until=state.now, layout="jsonl_envelope")
    if first:
        write_broken(venue, buffer, at=state.now - HOUR, kinds=BROKEN_FILES)
    echo(f"Ticketor's webhooks fill {files:,} files, one a day" + f", and {len(BROKEN_FILES)} are broken" * first)
    with TicketTailorApi(venue, now=state.now) as api:
        settings = _settings(data_dir, buffer, api)
        yesterday = demo_report.Snapshot.of(settings)
        # In the sandbox a day lasts as long as this call: all that is due once an hour or once a day is due now.
        now = datetime.datetime.fromtimestamp(state.now, datetime.UTC)
        result = runs.run(settings, echo=echo, full=True, clock=lambda: now)
        echo(f"Ticket Tailor answered {api.count():,} requests")
    for account in result.accounts:
        echo(f"{account.platform} {account.account}: {account.news_text}")
    _raise_if_failed(result)
    state.looks.append(state.now)
    _save(data_dir, state)
    if not first:
        out.print(f"\n[bold]── What the day brought ({_local(before):%d %B} to {_local(state.now):%d %B}) ──[/bold]")
        demo_report.difference(out, yesterday, settings, news_since(venue, before, state.now))
        out.print("\n[bold]── Where that leaves the venue ──[/bold]")
    demo_report.first_answers(out, settings)
    demo_report.farewell(out, settings)
    return state


def close(environ: Mapping[str, str], out: Console, month: str) -> None:
    """Closes a month of the demo by the venue's own clock. Raises Problem where no day of the demo has been run."""
    from boxoffice.cli.month import show
    from boxoffice.month import close as closes

    data_dir = _data_dir(environ)
    state = _state(data_dir, ORDERS)
    if state.day < 0:
        raise Problem(f"{data_dir} holds no demo yet. First: make demo")
    with TicketTailorApi(venue_of(state), now=state.now) as api:
        settings = _settings(data_dir, data_dir / "sandbox" / "webhooks", api)
        now = datetime.datetime.fromtimestamp(state.now, datetime.UTC)
        closed = closes.close(
            settings,
            month,
            echo=lambda line: out.print(escape(line), soft_wrap=True),
            now=now,
            clock=lambda: now,
        )
    _raise_if_failed(closed.result)
    show(closed.checked)
    out.print(f"{month} is closed: {closed.close.rows:,} postings, sealed by {closed.close.sha256}", soft_wrap=True)


def venue_of(state: State) -> Theatre:
    """The venue with what happens to it in the days after ``end``, of which the platforms show nothing before."""
    plain = Theatre(state.seed, orders=state.orders, end=state.end, account=ACCOUNT, time_zone=TIME_ZONE)
    news = dataclasses.replace(plain, extra={}, returns={}, redelivered={}, paid_late={}, delivered_late={}, moved={})
    for day in range(max(AHEAD, state.day)):
        morning = state.end + day * DAY + 9 * HOUR
        month = _month_of(plain, morning)
        refunded = _plain_order(plain, morning - 40 * DAY, news.extra)
        news.extra[refunded] = (Change(morning, "refund", make_order(plain, refunded).charged),)
        used = {**news.returns, **news.redelivered, **news.paid_late, **news.delivered_late}
        for happenings, before, at in (
            (news.returns, morning - 10 * DAY, morning + HOUR),
            (news.redelivered, morning - 10 * DAY, morning + 2 * HOUR),
            (news.paid_late, month - 9 * DAY, morning + 3 * HOUR),
            (news.delivered_late, month - 17 * DAY, morning + 4 * HOUR),
        ):
            sold = _plain_sale(plain, before, used, given_after=at if happenings is news.returns else 0)
            used[sold] = happenings[sold] = at
        event = _given_before(plain, month, news.moved)
        weeks = (month - event.start) // (7 * DAY) + 1
        news.moved[event.index] = (morning + 5 * HOUR, event.start + weeks * 7 * DAY)
    return news


def news_since(venue: Theatre, since: int, now: int) -> demo_report.News:
    """What the days from ``since`` to ``now`` have brought that could be missed among so many sales."""

    def invoices(happenings: Mapping[int, int]) -> list[str]:
        return [str(FIRST_INVOICE + INVOICES_A_STORY * index) for index, at in happenings.items() if since < at <= now]

    moved = {event_id(one): _local(one.start).date() for one in venue.programme if since < (one.moved_at or 0) <= now}
    return demo_report.News(
        invoices(venue.redelivered), invoices(venue.paid_late), invoices(venue.delivered_late), moved
    )


def _month_of(venue: Theatre, moment: int) -> int:
    """When the venue's month began."""
    first = datetime.datetime.fromtimestamp(moment, venue.zone).replace(day=1, hour=0, minute=0, second=0)
    return int(first.timestamp())


def _given_before(venue: Theatre, moment: int, used: Container[int]) -> Event:
    """The last performance on Ticket Tailor before ``moment`` to which nothing has happened."""
    return next(
        event
        for event in reversed(venue.programme)
        if event.on_tailor and event.given_at < moment and event.index not in used
        if event.moved_at is None and event.called_off_at is None
    )


def _plain_order(venue: Theatre, moment: int, used: Container[int]) -> int:
    """The last plain Ticket Tailor order made before ``moment``."""
    index = venue.made_before(TAILOR, moment) - 1
    while index in used or make_order(venue, index).case != "plain" or venue.listing_delay(index):
        index -= 1
    return index


def _plain_sale(venue: Theatre, moment: int, used: Container[int], given_after: int) -> int:
    """The last plain Ticketor sale before ``moment`` for a performance after ``given_after``."""
    index = venue.made_before(TICKETOR, moment) - 1
    while index in used or not _is_plain(make_story(venue, index), given_after):
        index -= 1
    return index


def _is_plain(story: Story, given_after: int) -> bool:
    sale = story.deliveries[0].item
    if story.case != "tickets" or not isinstance(sale, Invoice):
        return False
    return all(ticket.event.called_off_at is None and ticket.event.given_at > given_after for ticket in sale.tickets)


def _data_dir(environ: Mapping[str, str]) -> Path:
    return load_settings({key: value for key, value in environ.items() if key == "BOXOFFICE_DATA_DIR"}).data_dir


def _settings(data_dir: Path, buffer: Path, api: TicketTailorApi) -> Settings:
    """The settings of a run for the venue alone, read from an environment as a person would set it."""
    environ = {
        "BOXOFFICE_DATA_DIR": str(data_dir),
        "BOXOFFICE_TIME_ZONE": TIME_ZONE,
        f"TICKETOR__SITES__{ACCOUNT.upper()}__BUFFER": str(buffer),
        f"TICKET_TAILOR__BOX_OFFICES__{ACCOUNT.upper()}__API_KEY": api.key,
        f"TICKET_TAILOR__BOX_OFFICES__{ACCOUNT.upper()}__BASE_URL": api.url,
    }
    settings = load_settings(environ)
    # accounts that stand in .dlt are real: they are not the demo's business
    return dataclasses.replace(
        settings,
        sites=tuple(site for site in settings.sites if site.name == ACCOUNT),
        box_offices=tuple(office for office in settings.box_offices if office.name == ACCOUNT),
    )


def _state(data_dir: Path, orders: int) -> State:
    path = data_dir / "sandbox" / "state.json"
    try:
        state = State(**json.loads(path.read_text()))
    except FileNotFoundError:
        pass
    except (ValueError, TypeError):
        raise Problem(
            f"{path} cannot be read, so the demo does not know what day it is. Nothing was run.\n"
            f"Remove {data_dir} to begin the demo again."
        ) from None
    else:
        if not all(isinstance(look, int) for look in state.looks):
            raise Problem(
                f"{data_dir} holds the demo of an earlier release, which was another venue. Nothing was run.\n"
                "Remove it to begin the demo again."
            )
        return state
    if (data_dir / "warehouse.duckdb").exists():
        raise Problem(
            f"{data_dir} holds a warehouse that is not the demo's. Nothing was run, nothing was changed.\n"
            "Give the demo a folder of its own: BOXOFFICE_DATA_DIR=demo-data make demo"
        )
    return State(end=int(time.time()) // HOUR * HOUR - AHEAD * DAY, orders=orders)


def _save(data_dir: Path, state: State) -> None:
    path = data_dir / "sandbox" / "state.json"
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dataclasses.asdict(state), indent=1))
    part.replace(path)


def _local(moment: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, ZoneInfo(TIME_ZONE))


def _raise_if_failed(result: Any) -> None:
    if result.exit_code:
        told = [account.error for account in result.accounts if account.error]
        raise Problem("\n".join(filter(None, [result.error, *told])) or "The run failed.")
