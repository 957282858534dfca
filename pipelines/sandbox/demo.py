"""``make demo``: the made-up venue through the whole pipeline; typed again, a day has passed.

Real HTTP, real files, the real run; only the sales are invented. What the demo must remember stands in
``<data_dir>/sandbox/state.json``, beside the webhook files; that file also marks a data folder as the demo's, and a run
refuses to mix real accounts into it.
"""

import dataclasses
import datetime
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from boxoffice.errors import Problem
from boxoffice.settings import Settings, load_settings
from sandbox import demo_report
from sandbox.catalogue import DAY, HOUR
from sandbox.tailor import make_order
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.ticketor import make_story
from sandbox.ticketor_webhooks import write_broken, write_webhooks
from sandbox.venue import TAILOR, TICKETOR, Change, Venue

ACCOUNT = "sandbox_hall"
SEED, ORDERS, DAYS = 7, 2000, 90
TIME_ZONE = "Europe/London"
BROKEN_FILES = ("truncated", "html", "empty", "two_shapes", "nan")


@dataclasses.dataclass
class State:
    """What the demo remembers between two calls.

    Moments are unix seconds: ``now`` the venue's, ``fetched`` the wall clock's.
    """

    end: int
    seed: int = SEED
    orders: int = ORDERS
    day: int = -1
    looks: list[dict[str, int]] = dataclasses.field(default_factory=list)

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

    data_dir = load_settings({key: value for key, value in environ.items() if key == "BOXOFFICE_DATA_DIR"}).data_dir
    state = _state(data_dir, orders)
    folder = data_dir / "sandbox"
    buffer = folder / "webhooks"
    before = state.now
    _save(data_dir, state)  # before anything else: from here on the folder is the demo's, whatever happens
    state.day += 1
    venue = venue_of(state)
    first = state.day == 0
    if first:
        echo(f"opening a made-up venue: {state.orders:,} orders on each platform over {DAYS} days")
    else:
        echo(f"a day passes at the venue: it is now {_local(state.now):%A %d %B %Y, %H:%M}")
    files = write_webhooks(venue, buffer, since=None if first else before, until=state.now)
    if first:
        write_broken(venue, buffer, at=state.now - HOUR, kinds=BROKEN_FILES)
    echo(f"Ticketor posted {files:,} webhooks" + (f", {len(BROKEN_FILES)} files are broken" if first else ""))
    with TicketTailorApi(venue, now=state.now) as api:
        settings = _settings(data_dir, buffer, api)
        yesterday = demo_report.Snapshot.of(settings)
        # In the sandbox a day lasts as long as this call: all that is due once an hour or once a day is due now.
        result = runs.run(settings, echo=echo, full=True)
        echo(f"Ticket Tailor answered {api.count():,} requests")
    for account in result.accounts:
        echo(f"{account.platform} {account.account}: {account.news_in_words}")
    _raise_if_failed(result)
    state.looks.append({"now": state.now, "fetched": int(time.time())})
    _save(data_dir, state)
    if not first:
        out.print(f"\n[bold]── What the day brought ({_local(before):%d %B} to {_local(state.now):%d %B}) ──[/bold]")
        demo_report.difference(out, yesterday, settings, _told_twice(venue, before))
        out.print("\n[bold]── Where that leaves the venue ──[/bold]")
    demo_report.first_answers(out, settings)
    demo_report.farewell(out, settings)
    return state


def venue_of(state: State) -> Venue:
    """The venue with what the demo has let happen to it up to ``state.day``."""
    plain = Venue(state.seed, orders=state.orders, days=DAYS, end=state.end, account=ACCOUNT, time_zone=TIME_ZONE)
    extra: dict[int, tuple[Change, ...]] = {}
    returns: dict[int, int] = {}
    redelivered: dict[int, int] = {}
    for day in range(1, state.day + 1):
        morning = state.end + (day - 1) * DAY + 9 * HOUR
        refunded = _plain_order(plain, morning - 40 * DAY)
        extra[refunded] = (Change(morning, "refund", make_order(plain, refunded).charged),)
        sold = _plain_sale(plain, morning - 20 * DAY)
        returns[sold] = morning + HOUR
        redelivered[_plain_sale(plain, morning - 10 * DAY)] = morning + 2 * HOUR
    return dataclasses.replace(plain, extra=extra, returns=returns, redelivered=redelivered)


def _told_twice(venue: Venue, since: int) -> list[str]:
    """The invoices whose webhook has come once more since then."""
    stories = [make_story(venue, index) for index, moment in venue.redelivered.items() if moment > since]
    return [str(story.deliveries[0].item.id) for story in stories]


def _plain_order(venue: Venue, moment: int) -> int:
    """The first plain Ticket Tailor order made after ``moment``."""
    index = venue.made_before(TAILOR, moment)
    while make_order(venue, index).case != "plain" or venue.listing_delay(index):
        index += 1
    return index


def _plain_sale(venue: Venue, moment: int) -> int:
    """The first plain Ticketor sale after ``moment``."""
    index = venue.made_before(TICKETOR, moment)
    while make_story(venue, index).case != "tickets":
        index += 1
    return index


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
        return State(**json.loads(path.read_text()))
    except FileNotFoundError:
        pass
    except (ValueError, TypeError):
        raise Problem(
            f"{path} cannot be read, so the demo does not know what day it is. Nothing was run.\n"
            f"Remove {data_dir} to begin the demo anew."
        ) from None
    if (data_dir / "warehouse.duckdb").exists():
        raise Problem(
            f"{data_dir} holds a warehouse that is not the demo's. Nothing was run, nothing was changed.\n"
            "Give the demo a folder of its own: BOXOFFICE_DATA_DIR=demo-data make demo"
        )
    # Two days ago: the first days of the demo lie in the past, as the days of a real venue do.
    return State(end=int(time.time()) // HOUR * HOUR - 2 * DAY, orders=orders)


def _save(data_dir: Path, state: State) -> None:
    path = data_dir / "sandbox" / "state.json"
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dataclasses.asdict(state), indent=1))
    part.replace(path)


def _local(moment: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, Venue(SEED, time_zone=TIME_ZONE).zone)


def _raise_if_failed(result: Any) -> None:
    if result.exit_code:
        told = [account.error for account in result.accounts if account.error]
        raise Problem("\n".join(filter(None, [result.error, *told])) or "The run failed.")
