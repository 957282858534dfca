"""What payment processors paid out, beside what the platforms say was paid."""

from pathlib import Path
from typing import Literal

import click

from boxoffice.cli.common import Teller, finish, settings


@click.group()
def payouts() -> None:
    """Compare payments with what Stripe and PayPal paid out.

    \b
    boxoffice payouts load stripe-october.csv paypal-october.csv
    """


@payouts.command("load")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--dates",
    type=click.Choice(["dmy", "mdy"]),
    help="How dates such as 03/04/2026 are meant, where no date of a file shows it.",
)
def load(files: tuple[Path, ...], dates: Literal["dmy", "mdy"] | None) -> None:
    """Load exports of Stripe or PayPal (CSV), and match their rows with payments: table rpt_payouts.

    Loading a file again changes nothing; a corrected file replaces what an earlier one said of the same transactions.

    \b
    boxoffice payouts load stripe-october.csv paypal-october.csv
    boxoffice sql "from rpt_payouts where outcome not in ('matched', 'other')"
    """
    from boxoffice.run import payouts as exports

    tell = Teller()
    compared = exports.load(settings(), files, echo=tell, days=dates)
    if compared.outcomes:
        tell("rpt_payouts: " + ", ".join(f"{count:,} {name}" for name, count in compared.outcomes.items()))
    finish(compared.result, tell)
