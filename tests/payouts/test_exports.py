"""Exports of Stripe and PayPal as they are downloaded, and as they should not be trusted."""

import datetime as dt
import random
from decimal import Decimal

import pytest

from boxoffice.errors import ConfigProblem
from boxoffice.payouts import exports
from boxoffice.payouts.exports import Row

BALANCE = (
    "id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),Description,Customer Facing Amount,"
    "Customer Facing Currency,Transfer,Transfer Date (UTC),Transfer Group\n"
)
ITEMIZED = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,customer_facing_amount,"
    "customer_facing_currency,automatic_payout_id,automatic_payout_effective_at_utc,charge_id\n"
)
PAYMENTS = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Amount Refunded,"
    "Converted Currency,Description,Fee,Refunded date (UTC),Status,Taxes On Fee,Mode,Transfer\n"
)
PAYPAL = (
    '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID",'
    '"Reference Txn ID","Balance Impact"\n'
)
GERMAN = (
    '"Datum","Uhrzeit","Zeitzone","Name","Typ","Status","Währung","Brutto","Gebühr","Netto","Transaktionscode",'
    '"Zugehöriger Transaktionscode","Auswirkung auf Guthaben"\n'
)


def read(*texts: str | bytes, days: exports.DayOrder | None = None) -> list[Row]:
    contents = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return exports.once([row for text in contents for row in exports.read(text, "export.csv", days)[1]])


def facts(row: Row) -> tuple[object, ...]:
    amounts = [None if each is None else Decimal(each) for each in (row.gross, row.fee, row.net)]
    return (row.kind, row.transaction_id, row.reference, *amounts, row.currency, row.created_at, row.payout_on)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+00:00")


def test_stripe_s_balance_history() -> None:
    charge, refund, payout = read(
        BALANCE
        + "txn_1,charge,ch_1,120.00,3.78,116.22,gbp,2026-09-01 14:03,2026-09-03 00:00,,,,po_1,2026-09-05 00:00,\n"
        "txn_2,refund,re_1,-20.00,0.00,-20.00,gbp,2026-09-02 14:03,2026-09-04 00:00,,,,po_1,2026-09-05 00:00,\n"
        "txn_3,payout,po_1,-96.22,0.00,-96.22,gbp,2026-09-05 02:00,2026-09-05 00:00,STRIPE PAYOUT,,,,,\n"
    )
    gross = Decimal(120), Decimal("3.78"), Decimal("116.22")
    assert facts(charge) == ("charge", "txn_1", "ch_1", *gross, "GBP", at("2026-09-01 14:03"), "2026-09-05")
    # it names the refund, and not the charge
    assert facts(refund)[:4] == ("refund", "txn_2", None, Decimal(-20))
    assert (payout.kind, payout.gross, payout.payout_on) == ("payout", "-96.22", None)


def test_stripe_s_itemized_report_in_two_currencies() -> None:
    refund, fee = read(
        ITEMIZED + "txn_2,2026-09-02 14:03:05,gbp,-17.10,0,-17.10,refund,re_1,20.00,eur,po_1,2026-09-05 00:00:00,ch_1\n"
        "txn_3,2026-09-02 14:03:05,kwd,0,1.125,-1.125,fee,,,,,,\n"
    )
    assert facts(refund)[:3] == ("refund", "txn_2", "ch_1")
    assert (refund.charged_amount, refund.charged_currency) == ("-20", "EUR")
    assert (fee.kind, fee.fee, fee.reference, fee.payout_id) == ("other", "1.125", None, None)


def test_stripe_s_payments() -> None:
    charge, refund, failed, test = sorted(
        read(
            PAYMENTS
            + "ch_1,2026-09-01 14:03,20.00,5.00,eur,true,17.00,4.30,gbp,,0.70,2026-09-09 10:00,Paid,0.14,,po_1\n"
            "ch_2,2026-09-01 14:04,20.00,0.00,gbp,false,20.00,0.00,gbp,,0.00,,Failed,0,Live,\n"
            "ch_3,2026-09-01 14:04,20.00,0.00,gbp,true,20.00,0.00,gbp,,0.50,,Paid,0,Test,\n"
        ),
        key=lambda row: row.transaction_id or "",
    )
    assert facts(charge)[:6] == ("charge", "ch_1", "ch_1", Decimal(17), Decimal("0.84"), None)
    assert (charge.charged_amount, charge.charged_currency, charge.payout_id) == ("20", "EUR", "po_1")
    assert facts(refund)[:5] == ("refund", "ch_1:refund", "ch_1", Decimal("-4.3"), None)
    assert (refund.created_at, refund.charged_amount, refund.payout_id) == (at("2026-09-09 10:00"), "-5", None)
    assert (failed.kind, test.reason) == ("no_money", "test mode: no real money")


def test_paypal_s_activity() -> None:
    rows = read(
        PAYPAL + '"09/13/2026","23:15:00","PDT","A","Express Checkout Payment","Completed","USD","1,050.00","-1.80",'
        '"1,048.20","1AB","","Credit"\n'
        '"09/14/2026","10:00:00","America/New_York","A","Payment Refund","Completed","USD","-20.00","0.59","-19.41",'
        '"2AB","1AB","Debit"\n'
        '"09/14/2026","10:00:00","GMT","A","Website Payment","Pending","USD","5.00","0.00","5.00","3AB","","Memo"\n'
        '"09/14/2026","11:00:00","GMT+02:00","","General Withdrawal","Completed","USD","-9.00","0.00","-9.00","4AB",'
        '"","Debit"\n'
        '"09/14/2026","11:00:00","GMT","","General Currency Conversion","Completed","USD","-9.00","0.00","-9.00","5AB",'
        '"1AB","Debit"\n'
    )
    charge, refund, pending, withdrawal, conversion = sorted(rows, key=lambda row: row.transaction_id or "")
    paid = Decimal(1050), Decimal("1.8"), Decimal("1048.2")
    assert facts(charge) == ("charge", "1AB", "1AB", *paid, "USD", at("2026-09-14 06:15"), None)
    given_back = Decimal(-20), Decimal("-0.59"), Decimal("-19.41")
    assert facts(refund) == ("refund", "2AB", "1AB", *given_back, "USD", at("2026-09-14 14:00"), None)
    assert (pending.kind, withdrawal.kind, conversion.kind) == ("no_money", "payout", "other")
    assert withdrawal.created_at == at("2026-09-14 09:00")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_paypal_s_activity_in_german(encoding: str) -> None:
    text = (
        GERMAN
        + '"01.09.2026","10:00:00","CEST","Ä","PayPal Express-Zahlung","Abgeschlossen","EUR","1.250,00","-31,60",'
        '"1.218,40","1AB","","Haben"\n'
        '"02.09.2026","10:00:00","CEST","Ä","Rückzahlung","Abgeschlossen","EUR","-8,50","0,00","-8,50","2AB","1AB",'
        '"Soll"\n'
    )
    charge, refund = read(text.replace('","', '";"').encode(encoding))
    paid = Decimal(1250), Decimal("31.6"), Decimal("1218.4")
    assert facts(charge) == ("charge", "1AB", "1AB", *paid, "EUR", at("2026-09-01 08:00"), None)
    assert facts(refund)[:4] == ("refund", "2AB", "1AB", Decimal("-8.5"))


def british(*dates: str) -> str:
    return PAYPAL + "".join(
        f'"{date}","10:00:00","GMT","","Payment","Completed","GBP","5.00","0.00","5.00","{number}AB","","Credit"\n'
        for number, date in enumerate(dates)
    )


def test_the_order_of_day_and_month_is_that_of_the_file() -> None:
    assert {row.created_at for row in read(british("03/04/2026", "25/04/2026"))} == {
        at("2026-04-03 10:00"),
        at("2026-04-25 10:00"),
    }
    assert read(british("03/04/2026", "04/25/2026"))[0].created_at != at("2026-04-03 10:00")
    with pytest.raises(ConfigProblem, match="--dates dmy or --dates mdy"):
        read(british("03/04/2026"))
    with pytest.raises(ConfigProblem, match="can be read as"):
        read(british("25/04/2026", "04/25/2026"))
    assert read(british("03/04/2026"), days="mdy")[0].created_at == at("2026-03-04 10:00")


REFUSED = {
    "no id": ",charge,ch_1,5.00,0.00,5.00,gbp,2026-09-01 14:03,,,,,,,",
    "currency is no code of three letters": "txn_1,charge,ch_1,5.00,0.00,5.00,£,2026-09-01 14:03,,,,,,,",
    "net is not gross less fee": "txn_1,charge,ch_1,5.00,1.00,5.00,gbp,2026-09-01 14:03,,,,,,,",
    "gross is no amount": "txn_1,charge,ch_1,five,1.00,4.00,gbp,2026-09-01 14:03,,,,,,,",
    "gross is missing": "txn_1,charge,ch_1,,1.00,4.00,gbp,2026-09-01 14:03,,,,,,,",
    "a time cannot be read": "txn_1,charge,ch_1,5.00,1.00,4.00,gbp,2026-02-30 14:03,,,,,,,",
    "created is missing": "txn_1,charge,ch_1,5.00,1.00,4.00,gbp,,,,,,,,",
    "3 values under 15 columns": "txn_1,charge,ch_1",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_row_that_cannot_be_trusted_is_refused_and_kept(reason: str) -> None:
    good = "txn_9,charge,ch_9,5.00,1.00,4.00,gbp,2026-09-01 14:03,,,,,,,\n"
    rows = {row.reason: row for row in read(f"{BALANCE}{REFUSED[reason]}\n{good}")}
    assert rows.keys() == {reason, None}
    assert all(value in rows[reason].document for value in REFUSED[reason].split(",") if value != "£")
    assert rows[reason].gross is None


def test_an_id_twice() -> None:
    first = "txn_1,charge,ch_1,5.00,1.00,4.00,gbp,2026-09-01 14:03,,,,,,,\n"
    paid_out = first.replace("14:03,,,,,,,", "14:03,,,,,po_1,2026-09-05 00:00,")
    other = first.replace("5.00,1.00,4.00", "6.00,1.00,5.00")
    assert len(read(BALANCE + first + first)) == 1
    # the same, known better
    [known] = read(BALANCE + first, BALANCE + paid_out)
    assert (known.payout_id, known.reason) == ("po_1", None)
    both = read(BALANCE + first + other)
    assert [row.reason for row in both] == ["the transaction is there twice with different values"] * 2
    assert {row.transaction_id for row in both} == {"txn_1"}


def test_files_in_any_order_come_to_the_same() -> None:
    lines = [
        f"txn_{number % 7},charge,ch_1,{number % 7},0,{number % 7},gbp,2026-09-0{1 + number % 3 // 2},,,,,,,\n"
        for number in range(30)
    ]
    said = set()
    for seed in range(4):
        random.Random(seed).shuffle(lines)
        said.add(frozenset((row.row_id, row.content) for row in read(BALANCE + "".join(lines))))
    assert len(said) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"Name,Amount\nx,1\n", "not a known export.*Its columns are: name, amount"),
        (BALANCE.encode() + b'txn_1,"charge', "not a complete CSV file"),
        (b"PK\x03\x04 a workbook", "not a known export"),
    ],
)
def test_a_file_that_is_no_export(content: bytes, message: str) -> None:
    with pytest.raises(ConfigProblem, match=f"(?s){message}.*othing was loaded"):
        read(content)


def test_a_decimal_comma_in_stripe_s_report() -> None:
    [row] = read(
        ITEMIZED.replace(",", ";") + "txn_1;2026-09-02 14:03:05;gbp;1234,50;0,50;1234,00;charge;ch_1;;;;;ch_1\n"
    )
    assert (row.gross, row.fee, row.net) == ("1234.5", "0.5", "1234")
