"""`boxoffice check`: whether the accounts can be read and the machine is fit for runs. Nothing is loaded or changed."""

import datetime as dt
import email.utils
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from boxoffice.errors import Problem
from boxoffice.raw import contents
from boxoffice.raw.file_store import Listing
from boxoffice.run.disk import ROOM
from boxoffice.settings import BoxOffice, Settings, Site
from boxoffice.terminal import duration
from boxoffice.ticket_tailor import endpoints
from boxoffice.ticket_tailor.api import Answer, Client
from boxoffice.ticketor import buffer

# the two webhooks that make a complete set: README
NEEDED = {"user": "New User", "invoice_with_details": "New Invoice (Sales) with Details"}
CLOCKS_DIFFER = dt.timedelta(minutes=2)
NEWEST_FILES = 200
LISTS_AT_ONCE = 6


class Finding(NamedTuple):
    """One thing that was looked at: what of, whether all is well with it, and a sentence."""

    of: str
    well: bool
    text: str


def check(settings: Settings) -> Iterator[Finding]:
    """Checks each account, then the machine; yields each finding as soon as it is known."""
    if not settings.sites and not settings.box_offices:
        yield Finding("accounts", False, "None is configured. To set one up: boxoffice init")
    for office in settings.box_offices:
        yield from box_office(office)
    for site in settings.sites:
        yield from folder(site, settings.warehouse)
    yield from _machine(settings)


def box_office(office: BoxOffice) -> Iterator[Finding]:
    """Whether it can be reached and its key reads every list; what is newest; and what its clock says."""
    of = f"ticket_tailor {office.name}"
    try:
        client = Client(office.base_url, office.api_key, patient=False)
        asked = [each for each in endpoints.chosen(office.lists) if not each.parent]
        answer = client.call("GET", "/v1/orders", query={"limit": "1"})
        with ThreadPoolExecutor(LISTS_AT_ONCE) as several:
            others = {
                each.name: several.submit(client.call, "GET", each.path, query={"limit": "1"})
                for each in asked
                if each.name != "orders"
            }
        answers = {"orders": answer} | {name: other.result() for name, other in others.items()}
    except Problem as problem:
        yield Finding(of, False, str(problem))
        return
    refused = [f"{name} ({one.status})" for name, one in answers.items() if one.status != 200]
    if refused:
        yield Finding(of, False, f"The key may not read {', '.join(refused)}. Give it a role that may, or a new key.")
    else:
        yield Finding(of, True, f"Reached; the key reads all {len(answers)} lists. {_newest_order(answer)}")
    yield from _clock(of, answer)


def zone_of_events(office: BoxOffice) -> str | None:
    """The time zone of the first event that a box office lists, as a proposal for the setting."""
    try:
        answer = Client(office.base_url, office.api_key, patient=False).call("GET", "/v1/events", query={"limit": "1"})
        return answer.body["data"][0]["timezone"]
    except (Problem, LookupError, TypeError):
        return None


def _newest_order(answer: Answer) -> str:
    orders = answer.body.get("data") if isinstance(answer.body, dict) else None
    if not orders:
        return "It has no orders yet."
    newest: dict[str, Any] = orders[0]
    created_at = newest.get("created_at")
    at = f", of {dt.datetime.fromtimestamp(created_at, dt.UTC):%Y-%m-%d %H:%M} UTC" if created_at else ""
    return f"Its newest order is {newest.get('id')}{at}."


def _clock(of: str, answer: Answer) -> Iterator[Finding]:
    try:
        theirs = email.utils.parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return
    differs = dt.datetime.now(dt.UTC) - theirs
    if abs(differs) > CLOCKS_DIFFER:
        how = "ahead of" if differs > dt.timedelta() else "behind"
        yield Finding(
            "clock",
            False,
            f"This machine's clock is {duration(abs(differs).total_seconds())} {how} that of {of}. Set it: the "
            "order of changes depends on it.",
        )


def folder(site: Site, warehouse: Path) -> Iterator[Finding]:
    """Whether a site's buffer can be read; its newest file; and which of the two required webhooks have arrived."""
    of = f"ticketor {site.name}"
    try:
        # as if nothing were held: all files are listed
        plan = buffer.plan(site, warehouse.with_name("none"), sweep=True)
        plan.new, files, newest = _newest(plan.new), len(plan.new), max(plan.new.times, default=None)
        come = _held_webhooks(site, warehouse)
        for package in plan.packages() if files else ():
            come |= set(package.records["webhook"].to_pylist()) if package.records is not None else set()
    except Problem as problem:
        yield Finding(of, False, str(problem))
        return
    if problem := plan.unreadable_problem:
        yield Finding(of, False, str(problem))
    if newest is None:
        yield Finding(of, False, f"{site.buffer} can be read, and no webhook has arrived yet: it is empty.")
        return
    age = duration(time.time() - newest / 1e9)
    yield Finding(of, True, f"{site.buffer} can be read: {_counted(files, 'file')}, the newest {age} old.")
    for webhook, name in NEEDED.items():
        if webhook not in come:
            yield Finding(
                of,
                False,
                f"No webhook {name!r} has arrived: in the Control Panel, Account & Settings > Webhooks, create it with "
                "the same address as the other.",
            )


def _newest(listing: Listing) -> Listing:
    found = Listing()
    for place in sorted(range(len(listing)), key=lambda place: listing.times[place])[-NEWEST_FILES:]:
        path = listing.paths[place]
        found.add(listing.real.get(path, path), listing.sizes[place], listing.times[place])
    return found


def _held_webhooks(site: Site, warehouse: Path) -> set[str]:
    query = "select distinct webhook from raw_ticketor.records where site = $site and outcome = 'loaded'"
    return {webhook for (webhook,) in contents.rows(warehouse, query, {"site": site.name})}


def _machine(settings: Settings) -> Iterator[Finding]:
    there = next(each for each in (settings.data_dir, *settings.data_dir.parents) if os.access(each, os.F_OK))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "data", False, f"{there} cannot be written by this user. Change its owner, or set BOXOFFICE_DATA_DIR."
        )
    else:
        free = shutil.disk_usage(there).free
        yield Finding("data", free >= ROOM, f"{settings.data_dir}: {free // 2**20:,} MB are free on its disk.")
    yield Finding("version", True, f"boxoffice {version('boxoffice')}, DuckDB {duckdb.__version__}.")
    for path in (settings.warehouse, settings.published):
        if os.access(path, os.F_OK):
            yield _file(path)
    if not os.access(settings.published, os.F_OK):
        yield Finding("tables", True, "Nothing is published yet. Next: boxoffice run")


def _file(path: Path) -> Finding:
    try:
        with duckdb.connect(str(path), read_only=True) as db:
            db.execute("set TimeZone = 'UTC'")
            [(storage,)] = db.execute(
                "select tags['storage_version'] from duckdb_databases() where not internal"
            ).fetchall()
            published = contents.ask(db, "select published_at from marts.run_info")
    except duckdb.IOException as error:
        if "lock" in str(error):
            return Finding(path.name, True, "In use by a run.")
        return Finding(path.name, False, f"{str(error).splitlines()[0]} To rebuild it: boxoffice rebuild")
    except duckdb.Error as error:
        return Finding(path.name, False, f"{str(error).splitlines()[0]} To rebuild it: boxoffice rebuild")
    when = f", published {published[0][0]:%Y-%m-%d %H:%M} UTC" if published else ""
    return Finding(path.name, True, f"{path.stat().st_size // 2**20:,} MB, DuckDB storage {storage}{when}.")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
