"""`boxoffice shows suggest`: events of two platforms that look like one performance, as rows for seeds/shows.csv."""

import csv
import dataclasses
import difflib
import io
from zoneinfo import ZoneInfo

from boxoffice.settings import DBT_PROJECT, Settings
from boxoffice.warehouse.query import open_published, rows

SIMILAR = 0.8


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """One performance on both platforms: ``lines`` to append to the seed, without line ends, and ``why``, as text."""

    lines: list[str]
    why: str


def suggest(settings: Settings) -> list[Suggestion]:
    """Pairs of a Ticketor and a Ticket Tailor event that start at the same moment and have similar names, the surest of
    each event, by their start. Nothing for events that the seed has made one show already; where it names one of two,
    only the other is proposed, under that name. Nothing is written. Raises Problem when nothing was published.
    """
    with open_published(settings) as db:
        events = rows(
            db,
            """
            select platform, account, event_id, event_key, show_key, show_name, event_name, starts_at, local_zone
            from dim_events
            where event_name is not null and starts_at is not null
            order by starts_at, platform, account, event_id
            """,
        )
    on_tailor: dict = {}
    for event in events:
        if event.platform == "ticket_tailor":
            on_tailor.setdefault(event.starts_at, []).append(event)
    pairs = sorted(
        (
            (likeness(one.event_name, other.event_name), one, other)
            for one in events
            if one.platform == "ticketor"
            for other in on_tailor.get(one.starts_at, [])
        ),
        # of two that are as likely, the one whose accounts are called alike too
        key=lambda pair: (-pair[0], pair[1].account != pair[2].account),
    )
    taken, names, suggestions = set(), {event.show_name for event in events}, []
    for likely, one, other in pairs:
        if likely < SIMILAR or taken & {one.event_key, other.event_key}:
            continue
        taken |= {one.event_key, other.event_key}
        named = [event for event in (one, other) if event.show_key != event.event_key]
        if len(named) == 2:
            continue  # the seed already says whether they are one show or two
        local = f"{other.starts_at.astimezone(ZoneInfo(other.local_zone)):%Y-%m-%d %H:%M}"
        show = named[0].show_name if named else f"{other.event_name} {local}"
        if not named and show in names:
            show += f" ({other.account})"  # two houses may give the same at the same time
        names.add(show)
        suggestions.append(
            (
                one.starts_at,
                Suggestion(
                    [_line(event, show) for event in (one, other) if event not in named],
                    f"{local}: “{one.event_name}” ({one.account}) and “{other.event_name}” ({other.account}): "
                    f"the same start, names {likely:.0%} alike",
                ),
            )
        )
    return [suggestion for _, suggestion in sorted(suggestions, key=lambda found: found[0])]


def likeness(one: str, other: str) -> float:
    """How much of the shorter name is found in the longer, 0 to 1: one platform's may have a subtitle."""
    one, other = (" ".join(name.lower().split()) for name in (one, other))
    blocks = difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    # single letters are found anywhere
    return sum(block.size for block in blocks if block.size > 2) / min(len(one), len(other))


def _line(event: object, show: str) -> str:
    with (DBT_PROJECT / "seeds" / "shows.csv").open(newline="") as seed:
        columns = next(csv.reader(seed))
    text = io.StringIO()
    known = {"platform": event.platform, "account": event.account, "event_id": event.event_id, "show": show}
    csv.DictWriter(text, columns, lineterminator="").writerow(known)
    return text.getvalue()
