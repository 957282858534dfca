"""What raw already holds of Ticket Tailor: what has been read when, and the newest version of each object.

Opening the file costs more than asking, so each of these asks all that its caller needs at once.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from boxoffice.raw import contents

_COMPLETE = contents.complete("raw_ticket_tailor")


def elsewhere(warehouse: Path, box_office: str, name: str, created_at: Mapping[str, int | None]) -> dict[str, int]:
    """Which other box offices raw holds these objects of a list of, and how many: the same id, created in the same
    second."""
    query = f"""
        select held.box_office, count(distinct held.id) from raw_ticket_tailor."{name}" as held
        inner join (
            select unnest(from_json($ids, '["VARCHAR"]')) as id, unnest(from_json($times, '["BIGINT"]')) as created_at
        ) as seen on held.id = seen.id and held.created_at = seen.created_at
        where held.box_office <> $box_office and {_COMPLETE} group by all
    """
    asked = {"ids": json.dumps(list(created_at)), "times": json.dumps(list(created_at.values()))}
    with contents.reading(warehouse) as db:
        return dict(contents.ask(db, query, {**asked, "box_office": box_office}))


# As in the models: a webhook counts from when it was sent first, and EVENT.DELETED shows nothing.
_SHOWS_AN_OBJECT = f"outcome = 'loaded' and not ends_with(upper(event), '.DELETED') and {_COMPLETE}"
_SENT = f"""
    with versions as (
        select id, version_id, any_value(created_at) as created_at, any_value(document) as document,
            any_value(document_hash) as document_hash, min(sent_at) as sent_at, any_value(webhook_id) as webhook_id
        from raw_ticket_tailor.webhooks
        where box_office = $box_office and list = $list and id in {contents.AMONG_IDS} and {_SHOWS_AN_OBJECT}
        group by id, version_id
    )
    select id, created_at, document, document_hash, sent_at from versions
    qualify row_number() over (partition by id order by sent_at desc, length(webhook_id) desc, webhook_id desc) = 1
    order by id
"""


class Reads(NamedTuple):
    """What has been read of a box office.

    spans   {(list, age): spans [start, end) of created_at in unix seconds, sorted, what touches made one}
    last    {(list, kind): when last, UTC}
    tables  the tables that raw_ticket_tailor has
    rows    how many rows say so
    """

    spans: dict[tuple[str, str], list[tuple[int, int]]]
    last: dict[tuple[str, str], dt.datetime]
    tables: set[str]
    rows: int = 0


def reads(warehouse: Path, box_office: str, ages: Mapping[str, tuple[dt.datetime, dt.datetime]]) -> Reads:
    """What has been read, and when: for each of ``ages`` the spans read between its two moments (UTC, inclusive)."""
    spans = f"""
        with spans as (
            select list, age, created_from, created_to,
                max(created_to) over (
                    partition by list, age order by created_from, created_to
                    rows between unbounded preceding and 1 preceding
                ) as reached
            from raw_ticket_tailor.coverage
            inner join (select unnest($names) as age, unnest($since) as since, unnest($until) as until)
                on read_at between since and until
            where box_office = $box_office and created_from < created_to and {_COMPLETE}
        ),
        islands as (
            -- a count with a filter would take time by the square of the rows here, which grow with every run
            select *, sum(cast(reached is null or created_from > reached as int)) over (
                partition by list, age order by created_from, created_to rows unbounded preceding
            ) as island
            from spans
        )
        select list, age, min(created_from), max(created_to) from islands group by list, age, island order by all
    """
    last = f"""
        select list, kind, max(read_at), count(*) from raw_ticket_tailor.coverage
        where box_office = $box_office and {_COMPLETE} group by all
    """
    since, until = zip(*ages.values(), strict=True)
    moments = {"names": list(ages), "since": list(since), "until": list(until), "box_office": box_office}
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    with contents.reading(warehouse) as db:
        for name, age, start, end in contents.ask(db, spans, moments):
            found.setdefault((name, age), []).append((start, end))
        kinds = contents.ask(db, last, {"box_office": box_office})
        reads = {(name, kind): read_at for name, kind, read_at, _ in kinds}
        return Reads(found, reads, contents.tables(db, "raw_ticket_tailor"), sum(count for *_, count in kinds))


class Held(NamedTuple):
    """What raw holds of what was asked for.

    newest      {list: {id: (document_hash, fetched_at, missing_since, version_id)}} of the newest versions
    listed      for each span asked for, the ids created there that are not marked missing
    refused     the refused objects that are held
    created_at  {list: the newest created_at in the table, of whatever box office and load}
    sent        {list: {id: (document_hash, sent_at)}} of the newest webhooks
    """

    newest: dict[str, dict[str, tuple[str, dt.datetime, dt.datetime | None, str]]]
    listed: list[set[str]]
    refused: set[str]
    created_at: dict[str, int]
    sent: dict[str, dict[str, tuple[str, dt.datetime]]]


def held(
    warehouse: Path,
    box_office: str,
    ids: Mapping[str, list[str]],
    spans: Sequence[tuple[str, tuple[int, int] | None]] = (),
    refused_ids: Sequence[str] = (),
    *,
    sent_before: dt.datetime,
) -> Held:
    """The newest versions held of the ``ids`` of each list, what is listed in each (list, span of created_at; None: the
    whole list), and which of the refused objects are held.

    An object that only webhooks have shown is listed from ``sent_before`` on: a read that began then should show it."""
    held = Held({}, [], set(), {}, {})
    with contents.reading(warehouse) as db:
        for name, wanted in ids.items():
            newest = f"""
                select id, arg_max((document_hash, missing_since, version_id), fetched_at), max(fetched_at)
                from raw_ticket_tailor."{name}"
                where box_office = $box_office and id in {contents.AMONG_IDS} and {_COMPLETE} group by id
            """
            rows = contents.ask(db, newest, {"box_office": box_office, "ids": json.dumps(wanted)})
            held.newest[name] = {
                key: (hash_, fetched_at, missing_since, version_id)
                for key, (hash_, missing_since, version_id), fetched_at in rows
            }
            held.sent[name] = {
                key: (hash_, sent_at)
                for key, _, _, hash_, sent_at in contents.ask(
                    db, _SENT, {"box_office": box_office, "list": name, "ids": json.dumps(wanted)}
                )
            }
            for (created_at,) in contents.ask(db, f'select max(created_at) from raw_ticket_tailor."{name}"', {}):
                held.created_at[name] = created_at or 0
        for name, span in spans:
            listed = f"""
                select id from raw_ticket_tailor."{name}"
                where box_office = $box_office and ($first is null or created_at between $first and $last)
                    and {_COMPLETE}
                group by id having arg_max(missing_since is null, fetched_at)
            """
            first, last = (span[0], span[1] - 1) if span else (None, None)
            rows = contents.ask(db, listed, {"box_office": box_office, "first": first, "last": last})
            only_sent = f"""
                select id from raw_ticket_tailor.webhooks
                where box_office = $box_office and list = $list and {_SHOWS_AN_OBJECT} and sent_at < $sent_before
                    and ($first is null or created_at between $first and $last)
                    and id not in (select id from raw_ticket_tailor."{name}" where box_office = $box_office)
            """
            asked = {"box_office": box_office, "list": name, "first": first, "last": last, "sent_before": sent_before}
            held.listed.append({key for (key,) in [*rows, *contents.ask(db, only_sent, asked)]})
        if refused_ids:
            refused = f"""
                select refused_id from raw_ticket_tailor.refused
                where refused_id in {contents.AMONG_IDS} and {_COMPLETE}
            """
            held.refused.update(key for (key,) in contents.ask(db, refused, {"ids": json.dumps(list(refused_ids))}))
    return held


def versions(
    warehouse: Path, box_office: str, name: str, ids: list[str]
) -> list[tuple[str | None, str, int | None, str, str, dt.datetime]]:
    """The newest version held of each of these ids, whole: (version_id, id, created_at, document, document_hash,
    fetched_at). Of what only webhooks have shown it is the newest of these, without a version_id."""
    query = f"""
        select version_id, id, created_at, document, document_hash, fetched_at
        from raw_ticket_tailor."{name}"
        where box_office = $box_office and id in {contents.AMONG_IDS} and {_COMPLETE}
        qualify row_number() over (partition by id order by fetched_at desc) = 1
        order by id
    """
    asked = {"box_office": box_office, "ids": json.dumps(ids)}
    with contents.reading(warehouse) as db:
        found = contents.ask(db, query, asked)
        seen = {key for _, key, *_ in found}
        sent = contents.ask(db, _SENT, {**asked, "list": name}) if len(seen) < len(ids) else []
        return found + [(None, *version) for version in sent if version[0] not in seen]


def tables(warehouse: Path) -> set[str]:
    """The tables that raw_ticket_tailor has. A load that ended early, or of an earlier release, has not made all."""
    with contents.reading(warehouse) as db:
        return contents.tables(db, "raw_ticket_tailor")
