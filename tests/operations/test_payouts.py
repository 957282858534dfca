"""Exports of payment processors loaded beside a venue's sales: `boxoffice payouts load`."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from boxoffice.report import export
from boxoffice.run import backup, payouts, run
from boxoffice.settings import Settings
from sandbox import payouts as processors
from sandbox.ledger_rows import moment
from tests.operations import same
from tests.operations.house import House
from tests.operations.test_backup import damage


def quiet(_line: str) -> None:
    pass


class Exports:
    """What Stripe and PayPal say of the house, and what is wrong in the first download."""

    def __init__(self, house: House) -> None:
        self.folder = house.folder
        self.moved = processors.movements(house.venues[0], house.now)
        self.paypal = self._write("paypal.csv", processors.paypal(self.moved))
        rows = list(csv.DictReader(io.StringIO(processors.stripe(self.moved))))
        self.whole = self._rows("stripe-whole.csv", rows)
        ours = [
            row for row in rows if not row["charge_id"].startswith("ch_tk") and row["reporting_category"] == "charge"
        ]
        ours = [row for row in ours if row["currency"] == "gbp"]
        refunded = {row["charge_id"] for row in rows if row["reporting_category"] == "refund"}
        middle = [row for row in ours[3:-3] if row["charge_id"] not in refunded]
        self.missing, self.twice, self.short, self.unknown = middle[:4]
        faulty: list[dict[str, Any]] = [row for row in rows if row is not self.missing]
        faulty.append(self.twice | {"gross": "1.00", "net": "1.00", "fee": "0"})
        faulty[faulty.index(self.short)] = self.short | {"customer_facing_currency": "eur"}
        faulty[faulty.index(self.unknown)] = self.unknown | {"net": "0.01"}
        faulty.append(
            rows[0]
            | {
                "balance_transaction_id": "txn_of_another_shop",
                "charge_id": "ch_x",
                "gross": "9999999",
                "net": "9999999",
                "fee": "0",
                "customer_facing_amount": "9999999",
            }
        )
        self.faulty = self._rows("stripe.csv", faulty)

    def _rows(self, name: str, rows: list[dict[str, Any]]) -> Path:
        text = io.StringIO()
        writer = csv.DictWriter(text, processors.STRIPE)
        writer.writeheader()
        writer.writerows(rows)
        return self._write(name, text.getvalue())

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.published), read_only=True) as db:
        db.execute("set TimeZone = 'UTC'; use marts")
        return db.execute(query).fetchall()


def test_what_processors_moved_meets_what_was_paid(house: House) -> None:
    settings, exports = house.settings(), Exports(house)
    loaded = payouts.load(settings, [exports.faulty, exports.paypal], echo=quiet)
    assert loaded.result.outcome == "done", loaded.result.error
    # no order was built
    assert loaded.result.models_built <= 5
    charges = dict(ask(settings, "select processor_reference, outcome from rpt_payouts where kind = 'charge'"))
    told = {charges[row["charge_id"]] for row in (exports.missing, exports.short)}
    assert told == {"missing there", "different"}
    assert charges["ch_x"] == "missing here"
    reasons = ask(
        settings, "select reason, count(*) from refused_records where account = 'payouts' group by all order by all"
    )
    assert reasons == [("net is not gross less fee", 1), ("the transaction is there twice with different values", 2)]
    # what was refused counts nowhere, and nothing else is wrong
    assert {charges[row["charge_id"]] for row in (exports.twice, exports.unknown)} == {"missing there"}
    wrong = ask(settings, "select count(*) from rpt_payouts where platform = 'ticket_tailor' and outcome <> 'matched'")
    assert wrong == [(4,)]

    # loaded again, in another order: nothing is new, and the file that is published stays
    before = settings.published.stat()
    again = payouts.load(settings, [exports.paypal, exports.faulty], echo=quiet)
    assert (again.result.outcome, again.outcomes) == ("idle", loaded.outcomes)
    assert settings.published.stat() == before
    assert run.run(settings, echo=quiet).outcome == "idle"

    # a corrected file replaces what was wrong, by the ids in it
    corrected = payouts.load(settings, [exports.whole], echo=quiet)
    assert corrected.result.outcome == "done"
    assert ask(settings, "from refused_records where account = 'payouts'") == []
    rows = ask(
        settings,
        "select platform, processor_reference, gross, fee, processed_on, payout_on from rpt_payouts "
        "where outcome = 'matched' and matched_by = 'reference' order by all",
    )
    expected = sorted(
        (
            one.platform,
            one.reference,
            one.major(one.amount),
            one.major(one.fee),
            moment(one.at).astimezone(house.venues[0].zone).date(),
            one.payout if one.processor == "stripe" else None,
        )
        for one in exports.moved
        if one.platform == "ticket_tailor"
    )
    assert rows == expected
    # and the bookkeeper's month has a sheet of them
    month = f"{moment(exports.moved[0].at):%Y-%m}"
    [sheet] = [path for path in export.export(settings, month, "csv", house.folder) if "payouts" in path.name]
    assert len(list(csv.reader(sheet.read_text("utf-8-sig").splitlines()))) > 1
    # of Ticketor by day and amount: all but the sales whose payments it did not send
    [(missing, unknown)] = ask(
        settings,
        "select (select count(*) from rpt_payouts where outcome = 'missing here' and processor_reference <> 'ch_x'), "
        "(select count(*) from fct_orders where platform = 'ticketor' and not payments_known)",
    )
    assert missing <= unknown


def test_what_is_no_export_is_refused_before_anything(house: House) -> None:
    other = house.folder / "sales.csv"
    other.write_text("Name,Amount\nA,1\n")
    before = house.settings().warehouse.read_bytes()
    refused = house.boxoffice(house.settings(), "payouts", "load", str(other))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "sales.csv is not a known export" in refused.stderr
    assert house.settings().warehouse.read_bytes() == before


@pytest.mark.house
def test_exports_are_in_backups_and_rebuilds(house: House, tmp_path: Path) -> None:
    settings, exports = house.settings(), Exports(house)
    payouts.load(settings, [exports.faulty, exports.paypal], echo=quiet)
    kept, published = tmp_path / "boxoffice.tar.gz", tmp_path / "before.duckdb"
    published.write_bytes(settings.published.read_bytes())
    manifest = backup.backup(settings, kept, echo=quiet)
    assert (
        manifest["rows"]["raw_payouts.transactions"] == len(exports.moved) + 1
    )  # one is missing, and two are too many
    assert backup.restore(settings, kept, echo=quiet, replace=True).result.outcome == "done"
    assert same.marts(published, settings.published) == []
    assert backup.rebuild(settings, echo=quiet).result.outcome == "done"
    assert same.marts(published, settings.published) == []
    # what cannot be got back is said
    damage(settings.warehouse, "raw_payouts.transactions")
    rebuilt = backup.rebuild(settings, echo=quiet)
    assert "stripe payouts: " in " ".join(rebuilt.messages)
    payouts.load(settings, [exports.faulty, exports.paypal], echo=quiet)
    assert ask(settings, "select sum(net) from rpt_payouts where processor = 'paypal'") > [(Decimal(0),)]
