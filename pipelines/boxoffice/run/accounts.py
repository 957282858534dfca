"""The configured accounts, and what raw must hold before the models can read it: their settings, and every table."""

import datetime as dt
import hashlib
from typing import Any

from boxoffice.raw import closes, contents, pipeline
from boxoffice.raw.account import Loaded
from boxoffice.settings import Settings, Site
from boxoffice.ticket_tailor import state as ticket_tailor_state
from boxoffice.ticket_tailor.account import TicketTailorAccount
from boxoffice.ticketor.account import TicketorAccount
from boxoffice.ticketor.buffer import FILES

Account = TicketorAccount | TicketTailorAccount


def configured(settings: Settings) -> list[Account]:
    """Every configured account."""
    return [
        *(TicketorAccount(settings, site) for site in settings.sites),
        *(TicketTailorAccount(settings, office) for office in settings.box_offices),
    ]


def settings_changed(settings: Settings) -> dict[tuple[str, str], str | None]:
    """The accounts whose current settings are not in raw: (platform, account) and its time zone."""
    held = contents.accounts(settings.warehouse)
    wanted = {(account.platform, account.name): account.time_zone for account in configured(settings)}
    return {key: zone for key, zone in wanted.items() if key not in held or held[key] != zone}


def load_settings_table(settings: Settings) -> bool:
    """Raw's copy of what the settings say of accounts, which the models read. Returns whether anything changed."""
    changed = settings_changed(settings)
    if not changed:
        return False
    made = pipeline.open_pipeline(settings, "boxoffice", "settings", Loaded())
    import dlt
    import pyarrow as pa

    now = dt.datetime.now(dt.UTC)
    table = pa.Table.from_pylist(
        [
            {
                "account_id": hashlib.blake2b("\x1f".join(key).encode(), digest_size=16).hexdigest(),
                "platform": key[0],
                "account": key[1],
                "time_zone": zone,
                "configured_at": now,
            }
            for key, zone in changed.items()
        ],
        schema=pa.schema(
            [
                pa.field("account_id", pa.string(), nullable=False),
                pa.field("platform", pa.string(), nullable=False),
                pa.field("account", pa.string(), nullable=False),
                pa.field("time_zone", pa.string()),
                pa.field("configured_at", pa.timestamp("us", tz="UTC"), nullable=False),
            ]
        ),
    )

    @dlt.source(name="boxoffice")
    def accounts_source() -> Any:
        return dlt.resource(
            table,
            name="accounts",
            primary_key="account_id",
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        )

    pipeline.load_package(settings, made, accounts_source())
    return True


def make_missing_tables(settings: Settings) -> None:
    """The models read the tables of both platforms, and of closed months: where there is nothing they are empty."""
    from boxoffice.ticket_tailor.packages import TABLES

    with contents.reading(settings.warehouse):  # opened once for all three
        has_closes = closes.has_tables(settings)
        has_ticketor = FILES.held.tables_exist(settings.warehouse)
        has_ticket_tailor = ticket_tailor_state.tables(settings.warehouse).issuperset(TABLES)
    if not has_closes:
        closes.make_tables(settings)
    if not has_ticketor:
        made = pipeline.open_pipeline(settings, "ticketor", "no_site", Loaded())
        from boxoffice.raw import planning
        from boxoffice.ticketor import source

        pipeline.load_package(settings, made, source.ticketor_source(Site("no_site", buffer=""), planning.Package()))
    if not has_ticket_tailor:
        made = pipeline.open_pipeline(settings, "ticket_tailor", "no_box_office", Loaded())
        from boxoffice.ticket_tailor import source as box_office

        pipeline.load_package(settings, made, box_office.empty_source())
