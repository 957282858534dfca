"""A build makes anew what new rows in raw touch, and nothing else: the same comes out as from a fresh build."""

import shutil
from pathlib import Path

import duckdb
import pytest

from boxoffice.settings import ROOT
from tests import dbt as dbts
from tests.worlds import Worlds


@pytest.fixture
def folder(worlds: Worlds, tmp_path: Path) -> Path:
    """A data folder as a second run left it."""
    for path in (worlds.settings.warehouse, worlds.settings.person_key_file):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def dbt(folder: Path, *words: str, well: bool = True, project: Path = ROOT) -> str:
    return dbts.dbt(folder, folder / "target", *words, "--exclude-resource-type=unit_test", well=well, project=project)


def change(folder: Path, *statements: str) -> None:
    with duckdb.connect(str(folder / "warehouse.duckdb")) as db:
        for statement in statements:
            db.execute(statement)


def ask(folder: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as db:
        db.execute("set TimeZone = 'UTC'")
        return db.execute(query).fetchall()


def marts(folder: Path) -> dict[str, list[tuple]]:
    names = ask(folder, "select table_name from duckdb_tables() where schema_name = 'marts' order by all")
    return {name: ask(folder, f"from marts.{name} order by all") for (name,) in names}


def made_everything(folder: Path) -> set[bool]:
    """Whether the last build made all orders, or those alone that new loads touch: by what it ran, by platform.

    Afterwards nothing is touched any more.
    """
    assert ask(folder, "from intermediate.int_touched") == []
    ran = folder / "target" / "run" / "boxoffice" / "models" / "intermediate"
    return {"true as everything" in path.read_text() for path in ran.rglob("int_*__touched.sql")}


def fresh(folder: Path, other: Path) -> dict[str, list[tuple]]:
    """The marts of a warehouse that was built at once from the same raw rows."""
    copy_raw(folder, other)
    dbt(other, "build")
    return marts(other)


def copy_raw(folder: Path, other: Path) -> None:
    """A new data folder with the same raw rows, and nothing built of them."""
    other.mkdir()
    shutil.copyfile(folder / "person.key", other / "person.key")
    with duckdb.connect(str(other / "warehouse.duckdb")) as db:
        db.execute(f"attach '{folder / 'warehouse.duckdb'}' as grown (read_only)")
        for schema, table in db.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'grown' and schema_name like 'raw_%' and schema_name not like '%_staging'"
        ).fetchall():
            db.execute(f"create schema if not exists {schema}")
            db.execute(f'create table {schema}."{table}" as from grown.{schema}."{table}"')


def ticketor(where: str, document: str, webhook: str) -> str:
    """One more record, received last: made from one that is there."""
    return f"""
        insert into raw_ticketor.records by name
        select * replace (
            md5(record_id || {document}) as record_id, '{webhook}' as webhook, {document} as document,
            received_at + interval 1 year as received_at, 'more/' || file as file, '9999999999.1' as _dlt_load_id
        )
        from raw_ticketor.records where outcome = 'loaded' and {where} order by record_id limit 1
    """


def ticket_tailor(table: str, where: str, document: str, created_at: str = "created_at") -> str:
    return f"""
        insert into raw_ticket_tailor.{table} by name
        select * replace (
            md5(version_id || 'more') as version_id, {document} as document, md5(document || 'more') as document_hash,
            {created_at} as created_at, fetched_at + interval 1 year as fetched_at, '9999999999.1' as _dlt_load_id
        )
        from raw_ticket_tailor.{table} where {where} order by version_id limit 1
    """


def test_a_run_notes_what_it_built(folder: Path) -> None:
    """A second run built what its loads touch: the next one need not."""
    loads = "select count(distinct _dlt_load_id) from staging.stg_ticketor__invoices"
    assert ask(folder, "from intermediate.built where part = 'open'") == []
    [(noted,)] = ask(folder, "select count(*) from intermediate.built where part = 'load' and platform = 'ticketor'")
    assert noted >= ask(folder, loads)[0][0] > 1


def test_what_one_row_changes_elsewhere(folder: Path, tmp_path: Path) -> None:
    """New rows that have their effect on orders of which no new row tells."""
    before = marts(folder)
    [(site, buyer, orders)] = ask(
        folder,
        """
        select customers.account, customers.customer_id, count(*)
        from marts.fct_orders as orders join marts.dim_customers as customers using (customer_key)
        where customers.platform = 'ticketor' and customers.signed_up_at is not null and customers.email is not null
        group by all order by count(*) desc, customers.customer_id limit 1
        """,
    )
    [(account, event, level, comp)] = ask(
        folder,
        """
        select account, event_id, ticket_type, ticket_id from marts.fct_tickets
        where platform = 'ticketor' and admission_kind = 'comp' and event_id is not null order by all limit 1
        """,
    )
    [(venue, discount)] = ask(
        folder,
        """
        select lines.account, lines.item_id from staging.stg_ticket_tailor__order_line_items as lines
        join marts.fct_orders as orders on orders.order_id = lines.order_id and lines.account = orders.account
        where promotion_code is not null and lines.item_id like 'di_%' group by all order by all limit 1
        """,
    )
    [(scanned, office)] = ask(
        folder,
        """
        select ticket_id, account from marts.fct_tickets
        where platform = 'ticket_tailor' and scanned_at is null and order_id is not null order by all limit 1
        """,
    )
    # alone on its day at its event, and all that its buyer ever bought
    [(lonely, seller, row, only_buyer)] = ask(
        folder,
        """
        with sales as (
            select
                *,
                count(*) over (partition by account, sales_on, event_key, currency) as on_that_day,
                count(*) over (partition by account, order_id) as days
            from intermediate.int_order_sales where platform = 'ticket_tailor'
        ),
        bought as (select *, count(*) over (partition by customer_key) as orders from marts.fct_orders)
        select order_id, account, daily_event_sales_key, customer_key
        from sales
        join marts.rpt_daily_event_sales using (platform, account, sales_on, event_key, currency)
        join bought using (platform, account, order_id)
        where on_that_day = 1 and days = 1 and bought.orders = 1
        order by all limit 1
        """,
    )
    [(house, missing)] = ask(
        folder,
        "select account, order_id from marts.rpt_reconciliation where identity = 'order is here' order by all limit 1",
    )
    change(
        folder,
        # its row of the report has no other line, and its buyer no other order
        ticket_tailor(
            "orders",
            f"id = '{lonely}' and box_office = '{seller}'",
            """json_merge_patch(document, '{"buyer_details": {"email": "moved.on@example.org"}}')""",
            "created_at + 40 * 86400",
        ),
        # an order of which only items were here, and a refund on a day that was closed long ago
        ticketor(
            f"webhook = 'invoice' and site = '{house}'",
            f"json_merge_patch(document, '{{\"Id\": {missing}}}')",
            "invoice",
        ),
        ticketor(
            "webhook = 'payment' and document like '%\"AUTH_CAPTURE\"%'",
            """json_merge_patch(document, '{"Id": 987654322, "Amount": -1, "Success": true}')""",
            "payment",
        ),
        # of no invoice: money that came in, and a ticket whose prices do not add up
        ticketor(
            "webhook = 'payment'", """json_merge_patch(document, '{"Id": 987654323, "InvoiceId": null}')""", "payment"
        ),
        ticketor(
            "webhook = 'ticket'",
            """json_merge_patch(document, '{"Id": 987654324, "InvoiceId": null, "BuyPrice": 20, "SellPrice": 31}')""",
            "ticket",
        ),
        # somebody has another address now: another person_key on all that they bought
        ticketor(
            f"webhook = 'user' and site = '{site}' and (document ->> '$.Id') = '{buyer}'",
            """json_merge_patch(document, '{"Email": "somebody.else@example.org"}')""",
            "user",
        ),
        # the dearest ticket of an event and price level: what those given away would have cost
        ticketor(
            f"webhook = 'ticket' and site = '{account}'",
            "json_merge_patch(document, json_object('Id', 987654321, 'BuyPrice', 999, 'SellPrice', 999, "
            f"'PriceLevelName', '{level}', 'Event', json_object('EventId', {event})))",
            "ticket",
        ),
        # another code for a discount, a scan, a ticket that went to another order
        ticket_tailor(
            "discounts",
            f"id = '{discount}' and box_office = '{venue}'",
            """json_merge_patch(document, '{"code": "RENAMED"}')""",
        ),
        # a voucher that lowered prices is one that pays
        ticket_tailor("vouchers", "id = 'vo_4001'", """json_merge_patch(document, '{"type": "GIFT"}')"""),
        f"""
        insert into raw_ticket_tailor.check_ins by name
        select * replace (
            md5('more') as version_id, 'ci_more' as id, '9999999999.1' as _dlt_load_id, '{office}' as box_office,
            json_merge_patch(document, json_object('id', 'ci_more', 'issued_ticket_id', '{scanned}', 'quantity', 1))
                as document
        ) from raw_ticket_tailor.check_ins order by version_id limit 1
        """,
        ticket_tailor(
            "issued_tickets",
            "(document ->> '$.order_id') is not null",
            "json_merge_patch(document, json_object('order_id', "
            "(select max(o.id) from raw_ticket_tailor.orders as o where o.box_office = issued_tickets.box_office)))",
        ),
    )
    assert "made from raw" not in dbt(folder, "build")
    assert made_everything(folder) == {False}
    after = marts(folder)
    assert orders > 1 and len({row for row in after["fct_orders"] if row not in before["fct_orders"]}) >= orders
    dearest = f"select list_price from marts.fct_tickets where ticket_id = '{comp}' and account = '{account}'"
    assert ask(folder, dearest) == [(999,)]
    assert ask(folder, "from marts.fct_orders where promotion_code = 'RENAMED'")
    # the newest receipt of a site is a year later: what was due has been given as credit
    credited = "select count(*) from marts.fct_payments where payment_id like '%:credit'"
    assert ask(folder, credited)[0][0] > sum(":credit'" in str(row) for row in before["fct_payments"])
    paid_by_voucher = [sum(":voucher:" in str(row) for row in found["fct_payments"]) for found in (before, after)]
    assert paid_by_voucher[0] < paid_by_voucher[1]
    assert ask(folder, f"from marts.rpt_daily_event_sales where daily_event_sales_key = '{row}'") == []
    assert ask(folder, f"from marts.dim_customers where customer_key = '{only_buyer}'") == []
    came = f"from marts.rpt_reconciliation where order_id = '{missing}' and account = '{house}'"
    assert ask(folder, f"select identity {came} and identity = 'order is here'") == []
    assert ask(
        folder, "select kind, paid_on < date '2026-01-01' from marts.fct_payments where payment_id = '987654322'"
    ) == [("refund", True)]
    assert ask(folder, "from marts.rpt_reconciliation where order_key is null and identity like 'SellPrice%'")
    built = fresh(folder, tmp_path / "fresh")
    assert built.keys() == after.keys()
    assert {name: (set(after[name]) ^ set(rows)) for name, rows in built.items() if rows != after[name]} == {}


@pytest.mark.house
def test_no_order_at_all(folder: Path) -> None:
    """A first build where a platform has sold nothing yet, or is not configured."""
    tables = ask(folder, "select schema_name, table_name from duckdb_tables() where schema_name like 'raw_ti%'")
    schemas = ask(folder, "select schema_name from duckdb_schemas() where schema_name in ('staging', 'marts')")
    change(
        folder,
        *(f'delete from {schema}."{table}"' for schema, table in tables),
        *(f"drop schema {schema} cascade" for (schema,) in [*schemas, ("intermediate",)]),
    )
    for _ in range(2):
        dbt(folder, "build")
        assert marts(folder)["fct_orders"] == []


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("fct_orders fct_order_lines", marks=pytest.mark.house),
        pytest.param("fct_orders fct_tickets --full-refresh", marks=pytest.mark.house),
        pytest.param("int_ticketor__touched int_ticket_tailor__order_heads --full-refresh", marks=pytest.mark.house),
        pytest.param("intermediate.ticketor --exclude int_ticketor__invoices", marks=pytest.mark.house),
        pytest.param("source:raw_ticket_tailor+", marks=pytest.mark.house),
        # one platform starts over, and the build leaves the other out
        "source:raw_ticket_tailor+ --full-refresh",
    ],
)
def test_one_model_by_hand(folder: Path, words: str) -> None:
    """A part of the project, with and without --full-refresh: nothing is lost, doubled or half built."""
    before = marts(folder)
    dbt(folder, "build", "--select", *words.split())
    assert marts(folder) == before


@pytest.mark.house
def test_a_table_that_is_gone(folder: Path) -> None:
    before = marts(folder)
    change(folder, "drop table marts.fct_payments")
    dbt(folder, "build", "--select", "fct_payments")
    assert marts(folder) == before
    change(folder, "drop table intermediate.int_ticketor__tickets")
    assert "cannot be built alone" in dbt(folder, "build", "--select", "int_ticketor__tickets", well=False)
    dbt(folder, "build")
    assert marts(folder) == before


def test_another_text_reaches_what_is_old(folder: Path, tmp_path: Path) -> None:
    """A column more in a shape, and another rule in a model that grows: no flag, and every old row has them."""
    project = tmp_path / "project"
    for part in ("models", "macros", "seeds", "tests/data"):
        shutil.copytree(ROOT / part, project / part)
    for part in ("dbt_project.yml", "profiles.yml"):
        shutil.copyfile(ROOT / part, project / part)

    def edit(model: str, text: str, other: str) -> None:
        path = project / "models" / model
        assert path.read_text().count(text) == 1
        path.write_text(path.read_text().replace(text, other))

    shape = "staging/ticketor/stg_ticketor__payments.sql"
    edit(shape, '"Success": "VARCHAR", ', '"Success": "VARCHAR", "OrganizerAccountCode": "VARCHAR", ')
    edit(
        shape,
        "    platform_deduction,\n    is_success",
        "    doc.organizeraccountcode as code,\n    platform_deduction,\n    is_success",
    )
    edit("intermediate/ticketor/int_ticketor__orders.sql", "invoices.referrer as", "'from ' || invoices.referrer as")
    # models of an earlier release
    change(folder, "create view intermediate.int_orders as select 1", "create table staging.stg_holds (id int)")
    change(
        folder,
        """
        update raw_ticketor.records
        set document = json_merge_patch(document, '{"OrganizerAccountCode": "A1"}') where webhook = 'payment'
        """,
    )
    before = marts(folder)
    payments = ask(folder, "select count(*) from raw_ticketor.records where outcome = 'loaded' and webhook = 'payment'")
    assert "(an update, an edit): all tables are made from raw" in dbt(folder, "build", project=project)
    assert ask(folder, "select count(*) from staging.stg_ticketor__payments where code = 'A1'") == payments != [(0,)]
    # what builds and publishing note of themselves stays
    tables = "select table_name from information_schema.tables"
    noted = ask(folder, f"{tables} where table_name like '%publish%' order by all")
    assert noted == [("published",), ("unpublished_marts",), ("unpublished_orders",)]
    left = ask(folder, f"{tables} where table_name in ('int_orders', 'stg_holds')")
    assert left == []
    after = marts(folder)
    referral = ask(folder, "select list(column_name) from (describe marts.fct_orders)")[0][0].index("referral")
    ruled = [
        tuple(f"from {v}" if at == referral and v is not None and "ticketor" in row else v for at, v in enumerate(row))
        for row in before["fct_orders"]
    ]
    assert after["fct_orders"] == sorted(ruled, key=lambda row: row[0]) != before["fct_orders"]
    assert {name for name in before if before[name] != after[name]} == {"fct_orders"}


def test_only_what_was_built_and_tested_is_noted(folder: Path) -> None:
    """What failed a test is built and tested again, though nothing new has come; other settings touch everything."""
    noted = "select value from intermediate.built where part = 'load' order by all"
    before = ask(folder, noted)
    # what only we can break: one record twice
    change(
        folder,
        """
        insert into raw_ticketor.records by name
        select * exclude (range) replace (md5(record_id || 'more') as record_id, '9999999999.1' as _dlt_load_id)
        from (from raw_ticketor.records where webhook = 'ticket' order by record_id limit 1), range(2)
        """,
    )
    for _ in range(2):
        dbt(folder, "build", well=False)
        assert ask(folder, noted) == before
    change(folder, "delete from raw_ticketor.records where _dlt_load_id = '9999999999.1'")
    change(folder, "delete from staging.stg_ticketor__tickets where _dlt_load_id = '9999999999.1'")
    change(folder, "delete from staging.stg_ticketor__records where _dlt_load_id = '9999999999.1'")
    change(folder, "update raw_boxoffice.accounts set time_zone = 'Asia/Tokyo'")
    dbt(folder, "build")
    assert made_everything(folder) == {True}
    assert ask(folder, "select distinct reporting_zone from marts.dim_accounts") == [("Asia/Tokyo",)]
    local_day = "(coalesce(ordered_at, first_seen_at) at time zone 'Asia/Tokyo')::date"
    assert ask(folder, f"from marts.fct_orders where booked_on <> {local_day}") == []
