"""Follows a sample of each webhook from a temporary receiver into the marts of a temporary warehouse."""

import dataclasses
import multiprocessing
import tempfile
from collections.abc import Callable
from pathlib import Path

import requests

from boxoffice.errors import Problem
from boxoffice.receiver import accounts, buffer, samples, server
from boxoffice.run import run
from boxoffice.settings import Settings, Site
from boxoffice.warehouse.query import open_published

# Seconds for an answer; a sample waits in the socket until the receiver has started.
PATIENCE = 20.0


def check(settings: Settings, echo: Callable[[str], None]) -> None:
    """Checks what `boxoffice receive` would start with, then sends it the samples and runs.

    Nothing of it reaches the configured accounts. Raises Problem for the first thing that is wrong.
    """
    for account in dict.fromkeys(accounts.by_token(settings).values()):
        buffer.Buffer(account.buffer, settings.receiver.min_free)
        echo(f"{account}: {account.buffer} can be written")
    with tempfile.TemporaryDirectory(prefix="boxoffice-check-") as folder:
        token, sha256 = accounts.new_token()
        site = Site("check", f"{folder}/buffer", token_sha256=(sha256,))
        scratch = dataclasses.replace(
            settings, data_dir=Path(folder) / "data", sites=(site,), box_offices=(), on_failure=""
        )
        _send(scratch, token, echo)
        ran = run.run(scratch, echo=echo)
        if ran.exit_code:
            raise Problem(f"The run failed: {ran.error or ran.accounts[0].error}")
        with open_published(scratch) as db:
            missing = [name for name, query in samples.ROWS.items() if not db.execute(query).fetchone()]
        if missing:
            raise Problem(f"In the marts there is no row of the sample of: {', '.join(missing)}.")
    echo(f"{len(samples.WEBHOOKS)} of {len(samples.WEBHOOKS)} samples were received, loaded and published; all is well")


def _send(scratch: Settings, token: str, echo: Callable[[str], None]) -> None:
    listening = server.listen("127.0.0.1:0")
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    receiver = multiprocessing.get_context("fork").Process(target=server.serve, args=(scratch, echo, listening))
    receiver.start()
    listening.close()
    try:
        for name, sample in samples.WEBHOOKS.items():
            answer = requests.post(f"{address}/ticketor/{token}/{name}", json=sample, timeout=PATIENCE)
            if answer.status_code != 200:
                raise Problem(f"The receiver answered the sample of {name} with {answer.status_code} instead of 200.")
            echo(f"{name}: {answer.status_code}")
    except requests.RequestException as error:
        raise Problem(f"The receiver did not answer: {type(error).__name__}. Its own output is above.") from None
    finally:
        receiver.terminate()
        receiver.join()
