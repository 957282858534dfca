"""``python -m sandbox``: the made-up venue on the command line."""

import os
import time

import click

from boxoffice.cli.common import CommandGroup
from sandbox.faults import KINDS, Faults
from sandbox.ticket_tailor_api import BUDGET, DEFAULT_KEY, WINDOW_SECONDS, TicketTailorApi
from sandbox.ticketor_webhooks import LAYOUTS, write_broken, write_webhooks
from sandbox.venue import DEFAULT_END, Venue


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A made-up venue that sells through Ticketor and Ticket Tailor."""


@main.command()
def demo() -> None:
    """Run the whole pipeline on the made-up venue and print first answers; each further call lets a day pass.

    \b
    Example:
      make demo
      BOXOFFICE_DATA_DIR=/tmp/demo python -m sandbox demo
    """
    from boxoffice.terminal import console
    from sandbox import demo as demos

    demos.demo(os.environ, console())


@main.command()
@click.argument("month")
def close(month: str) -> None:
    """Close a month of the demo as `boxoffice close` does; later days then bring changes to it.

    \b
    Example:
      python -m sandbox close 2026-10
    """
    from boxoffice.terminal import console
    from sandbox import demo as demos

    demos.close(os.environ, console(), month)


@main.command()
@click.argument("buffer", type=click.Path(file_okay=False))
@click.option("--seed", default=1, show_default=True)
@click.option("--orders", default=2000, show_default=True, help="10 to 10 million.")
@click.option("--days", default=90, show_default=True, help="How long the venue has been selling.")
@click.option("--end", default=DEFAULT_END, show_default=True, help="The last moment, in unix seconds.")
@click.option("--layout", type=click.Choice(LAYOUTS), default="json", show_default=True)
@click.option("--broken", is_flag=True, help="Add files that cannot be loaded.")
def webhooks(buffer: str, seed: int, orders: int, days: int, end: int, layout: str, broken: bool) -> None:
    """Write the venue's Ticketor webhooks as files into BUFFER.

    \b
    Example:
      python -m sandbox webhooks /tmp/webhooks --orders 100
    """
    venue = Venue(seed, orders=orders, days=days, end=end)
    click.echo(f"{write_webhooks(venue, buffer, layout=layout):,} files in {buffer}")
    if broken:
        click.echo(f"{len(write_broken(venue, buffer)):,} broken ones among them")


@main.command()
@click.option("--port", default=8787, show_default=True, help="0 picks any free port.")
@click.option("--key", default=DEFAULT_KEY, show_default=True, help="The API key it accepts.")
@click.option("--seed", default=1, show_default=True)
@click.option("--orders", default=2000, show_default=True, help="10 to 10 million.")
@click.option("--days", default=90, show_default=True, help="How long the venue has been selling.")
@click.option(
    "--end", default=DEFAULT_END, show_default=True, help="The moment at which the venue is shown, in unix seconds."
)
@click.option("--tick", default=0, show_default=True, help="Seconds that pass in the venue with every request.")
@click.option("--latency", default=0.0, show_default=True, help="Seconds before each answer.")
@click.option("--budget", default=BUDGET, show_default=True, help="Requests allowed in a window before 429.")
@click.option("--window", default=float(WINDOW_SECONDS), show_default=True, help="Seconds a window lasts.")
@click.option("--fault-rate", default=0.0, show_default=True, help="Share of responses that fail.")
@click.option(
    "--fault", "faults", multiple=True, type=click.Choice(KINDS), help="Which faults to inject; default: all but hang."
)
def serve(
    port: int,
    key: str,
    seed: int,
    orders: int,
    days: int,
    end: int,
    tick: int,
    latency: float,
    budget: int,
    window: float,
    fault_rate: float,
    faults: tuple[str, ...],
) -> None:
    """Serve the venue's Ticket Tailor API on loopback until Ctrl-C.

    \b
    Example:
      python -m sandbox serve --orders 100000 --latency 0.25
      curl -u sk_1_1_c2FuZGJveA: 'http://127.0.0.1:8787/v1/orders?limit=1'
    """
    chosen = Faults(rate=fault_rate, kinds=faults) if faults else Faults(rate=fault_rate)
    api = TicketTailorApi(
        Venue(seed, orders=orders, days=days, end=end),
        key=key,
        port=port,
        tick=tick,
        latency=latency,
        budget=budget,
        window_seconds=window,
        faults=chosen if fault_rate else None,
    )
    with api:
        click.echo(f"Ticket Tailor's API of a made-up venue: {api.url}  (key {key}; Ctrl-C ends it)")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            click.echo(f"{api.count()} requests answered")


if __name__ == "__main__":
    main()
