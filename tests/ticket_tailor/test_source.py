"""Through dlt into DuckDB: the tables as promised, nothing dropped by the cursor, nothing doubled by a repetition."""

import duckdb
import pytest

from boxoffice.raw import pipeline
from boxoffice.raw.account import Loaded
from boxoffice.settings import BoxOffice
from boxoffice.ticket_tailor import planning
from boxoffice.ticket_tailor.endpoints import ENDPOINTS
from boxoffice.ticket_tailor.source import empty_source, ticket_tailor_source
from sandbox.ticket_tailor_api import TicketTailorApi
from sandbox.venue import Venue
from tests.ticket_tailor.loads import DAY, HOUR, RAW, make_client, truth

DESCRIBED = {"varchar": "VARCHAR", "bigint": "BIGINT", "timestamptz": "TIMESTAMP WITH TIME ZONE", "blob": "BLOB"}


def assert_tables_as_promised(warehouse):
    for name, columns in RAW.items():
        expected = [
            (column, DESCRIBED[kind.split()[0]], "NO" if "not null" in kind else "YES")
            for column, kind in columns.items()
        ]
        described = warehouse.query(f'select column_name, column_type, "null" from (describe raw_ticket_tailor.{name})')
        assert described == [*expected, ("_dlt_load_id", "VARCHAR", "NO")], name


def test_the_tables_are_as_promised_after_the_first_load(warehouse):
    with TicketTailorApi(Venue(seed=1)) as api:
        warehouse.load(api, BoxOffice("main", api.key, api.url, lists=("orders",)))
    assert_tables_as_promised(warehouse)


def test_the_tables_are_as_promised_without_any_box_office(warehouse):
    made = pipeline.open_pipeline(warehouse.settings, "ticket_tailor", "none", Loaded())
    made.run(empty_source(), loader_file_format="parquet")
    assert_tables_as_promised(warehouse)
    with TicketTailorApi(Venue(seed=1)) as api:
        warehouse.load(api)
        assert_tables_as_promised(warehouse)
        assert {name: len(warehouse.newest(name)) > 0 for name in ENDPOINTS} == dict.fromkeys(ENDPOINTS, True)


def test_the_cursor_drops_nothing_however_old(warehouse):
    """dlt's incremental leaves out, without a word, rows further behind its maximum than its lag."""
    with TicketTailorApi(Venue(seed=1, orders=200, days=300)) as api:
        office = BoxOffice("main", api.key, api.url, lists=("orders", "issued_tickets", "events"))
        warehouse.load(api, office, span=(api.now - 2 * DAY, api.now))
        warehouse.load(api, office, span=(0, api.now - 250 * DAY))
        warehouse.load(api, office, span=(api.now - 250 * DAY, api.now - 2 * DAY))
        for name in office.lists:
            assert warehouse.newest(name) == truth(api, name), name


def test_documents_without_a_time_come_through_the_cursor(warehouse):
    with TicketTailorApi(Venue(seed=1)) as api:
        lists = api.lists[api.key]
        sound = lists.page

        def timeless(name, params, now):
            import orjson

            page = sound(name, params, now)
            data = [{**one, "created_at": None} for one in orjson.loads(orjson.dumps(page.data))]
            return page._replace(data=data)

        lists.page = timeless
        warehouse.load(api, BoxOffice("main", api.key, api.url, lists=("orders",)))
        assert len(warehouse.newest("orders")) == 60


def test_a_package_loaded_twice_is_there_once(warehouse):
    """As after a kill between the load and its being noted."""
    with TicketTailorApi(Venue(seed=1)) as api:
        office = BoxOffice("main", api.key, api.url)
        plan = planning.look(office, make_client(api), warehouse.settings.warehouse, make_client(api).clock())
        made = pipeline.open_pipeline(warehouse.settings, "ticket_tailor", "main", Loaded())
        (package,) = plan.packages()
        counts = []
        for _ in range(2):
            made.run(ticket_tailor_source(office, package), loader_file_format="parquet")
            counts.append([warehouse.query(f"select count(*) from raw_ticket_tailor.{name}") for name in RAW])
        assert counts[0] == counts[1]


def test_a_second_load_with_no_news_adds_no_version(warehouse):
    with TicketTailorApi(Venue(seed=1, orders=100)) as api:
        warehouse.load(api)
        for after in (HOUR, DAY + HOUR):
            outcome = warehouse.load(api, now=api.now + after)
            assert outcome.rows == {} and outcome.packages
        assert warehouse.newest("orders") == truth(api, "orders")


def test_what_is_no_longer_listed_is_marked_in_place(warehouse):
    """A version that is landed again takes the place of the one before: no merge that only inserts would do."""
    with TicketTailorApi(Venue(seed=1)) as api:
        office = BoxOffice("main", api.key, api.url, lists=("products",))
        warehouse.load(api, office)
        gone = min(truth(api, "products"))
        rows = warehouse.query("select count(*) from raw_ticket_tailor.products")
        api.hide(gone)
        warehouse.load(api, office, now=api.now + HOUR)
        assert warehouse.missing("products") == {gone}
        assert warehouse.query("select count(*) from raw_ticket_tailor.products") == rows


def test_two_box_offices_share_the_tables(warehouse):
    venues = {"sk_1": Venue(seed=1), "sk_2": Venue(seed=2)}
    with TicketTailorApi(venues) as api:
        for _ in range(2):
            for name, key in (("one", "sk_1"), ("two", "sk_2")):
                warehouse.load(api, BoxOffice(name, key, api.url))
                assert warehouse.newest("orders", name) == truth(api, "orders", key=key)
            api.now += 2 * DAY


def test_a_package_knows_whose_it_is(warehouse):
    with TicketTailorApi(Venue(seed=1)) as api:
        client = make_client(api)
        plan = planning.look(BoxOffice("one", api.key, api.url), client, warehouse.settings.warehouse, client.clock())
        (package,) = plan.packages()
        with pytest.raises(AssertionError):
            ticket_tailor_source(BoxOffice("two", api.key, api.url), package)


def test_raw_opens_while_a_plan_is_under_way(warehouse):
    """Between two packages the register has let go of the file: dlt can write it."""
    with TicketTailorApi(Venue(seed=1)) as api:
        client = make_client(api)
        plan = planning.look(BoxOffice("main", api.key, api.url), client, warehouse.settings.warehouse, client.clock())
        warehouse.settings.data_dir.mkdir()
        for _ in plan.packages():
            duckdb.connect(str(warehouse.settings.warehouse)).close()
