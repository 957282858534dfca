"""The commands for exports of payment processors."""

from pathlib import Path
from typing import Literal

import click

from boxoffice.cli.common import ProgressLog, finish, settings


@click.group()
def payouts() -> None:
    """Compare payments with the payouts of Stripe and PayPal.

    \b
    boxoffice payouts load stripe-october.csv paypal-october.csv
    """


@payouts.command("load")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--dates",
    type=click.Choice(["dmy", "mdy"]),
    help="The order of day and month in dates such as 03/04/2026, for files whose dates are all ambiguous.",
)
def load(files: tuple[Path, ...], dates: Literal["dmy", "mdy"] | None) -> None:
    """Load exports of Stripe or PayPal (CSV), and match their rows with payments: table rpt_payouts.

    Loading a file again changes nothing; a corrected file replaces the same transactions of an earlier one.

    \b
    boxoffice payouts load stripe-october.csv paypal-october.csv
    boxoffice sql "from rpt_payouts where outcome not in ('matched', 'other')"
    """
    from boxoffice.run import payouts as exports

    log = ProgressLog()
    compared = exports.load(settings(), files, echo=log, days=dates)
    if compared.outcomes:
        log("rpt_payouts: " + ", ".join(f"{count:,} {name}" for name, count in compared.outcomes.items()))
    finish(compared.result, log)
