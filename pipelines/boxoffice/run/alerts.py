"""Calls ``on_failure``, the user's own command or URL, when runs fail, an account falls silent, or all is well again.

Once per change of what is wrong, not once per run: the last state is in ``told.json``. A failed call is not recorded
there, so the next run repeats it.
"""

import contextlib
import datetime as dt
import json
import logging
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import duckdb

from boxoffice import redaction
from boxoffice.errors import Problem
from boxoffice.run import status
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published

# Seconds that a call may take: the run holds its lock meanwhile.
PATIENCE = 30.0
# webhooks that were refused earlier are shown by `boxoffice status` only
NOT_RECEIVED_LATELY = dt.timedelta(days=1)


class Trouble(NamedTuple):
    """One thing that is wrong. ``what`` is failed, set aside, quiet, ahead or not received; without an account: the
    run."""

    what: str
    platform: str | None
    account: str | None
    message: str

    @property
    def key(self) -> list[str | None]:
        """What identifies a trouble: another message for the same one is not a change."""
        return [self.what, self.platform, self.account]


def tell(settings: Settings, run: dict[str, Any]) -> None:
    """Calls ``on_failure`` when ``run``, a line of runs.jsonl, changes what is wrong.

    A successful load or transform does not repair what another verb failed at; a run repairs everything. Raises
    Problem if the call failed.
    """
    failed, quiet = _failed(run), _quiet(settings)
    before = _read(settings)
    after = {verb: keys for verb, keys in before.items() if run["verb"] != "run" or verb == "quiet"}
    after[run["verb"]] = [trouble.key for trouble in failed]
    if quiet is not None:
        after["quiet"] = [trouble.key for trouble in quiet]
    if _keys(before) == _keys(after):
        return
    well = not any(after.values())
    troubles = failed + (quiet or [])
    messages = [trouble.message for trouble in troubles] or ["All is well again." if well else "A part is well again."]
    body = redaction.without(
        {
            "well": well,
            "text": f"Boxoffice, {settings.data_dir}: " + "\n".join(messages),
            "problems": [trouble._asdict() for trouble in troubles],
            "run": {name: run[name] for name in ("verb", "started_at", "ended_at", "outcome")},
            "data_dir": str(settings.data_dir),
        },
        settings.secrets,
    )
    missed = _call(settings.on_failure, body)
    # if this cannot be written, the next run calls again: better twice than not at all
    with contextlib.suppress(OSError):
        fresh = settings.told_file.with_suffix(".new")
        fresh.write_text(json.dumps(after))
        fresh.replace(settings.told_file)
    if missed:
        raise Problem(_not_sent(missed))


def _failed(run: dict[str, Any]) -> list[Trouble]:
    troubles = [
        Trouble("failed", one["platform"], one["account"], f"{one['platform']} {one['account']}: {one['error']}")
        for one in run["accounts"]
        if one["error"]
    ]
    if run["error"]:
        troubles.append(Trouble("failed", None, None, f"The {run['verb']} failed: {run['error']}"))
    if run["set_aside"]:
        troubles.append(Trouble("set aside", None, None, run["set_aside"]))
    return troubles


def _quiet(settings: Settings) -> list[Trouble] | None:
    """The silent accounts; None if that cannot be found out, since what was quiet before may still be."""
    if not settings.sites and not settings.box_offices:  # the settings are invalid
        return None
    try:
        with open_published(settings) as db:
            found = status.out_of_time(settings, db, dt.datetime.now(dt.UTC))
    except (Problem, duckdb.Error):
        return None
    lately = dt.datetime.now(dt.UTC) - NOT_RECEIVED_LATELY
    return [Trouble(*one) for one in found] + [
        Trouble("not received", *one) for one in status.not_received(settings, lately)
    ]


def _read(settings: Settings) -> dict[str, list[list[str | None]]]:
    try:
        return json.loads(settings.told_file.read_text())
    except (OSError, ValueError):
        return {}


def _keys(state: dict[str, list[list[str | None]]]) -> set[tuple[str | None, ...]]:
    return {(verb, *key) for verb, keys in state.items() for key in keys}


def _call(target: str, body: dict[str, Any]) -> list[str]:
    """Returns the kinds of addresses that failed while others succeeded. Raises Problem if all failed; its message
    contains neither the address, nor the command, nor its output, since each may hold a secret."""
    text = json.dumps(body, default=str)
    if target.startswith(("https://", "http://")):
        _post(target, text)
    elif re.match(r"[a-z][a-z0-9+.-]*://", target, re.IGNORECASE):
        return _notify(target.split(), body)
    else:
        _run(target, text)
    return []


def _post(url: str, text: str) -> None:
    import requests

    answers: list[str] = []

    def post() -> None:
        try:
            answer = requests.post(
                url,
                data=text.encode(),
                headers={"Content-Type": "application/json"},
                timeout=PATIENCE,
                allow_redirects=False,  # a redirected POST arrives without its body
                stream=True,
            )
            answers.append("" if answer.status_code < 300 else f"it answered {answer.status_code}")
        except Exception as error:
            answers.append(type(error).__name__)

    # in a thread: a timeout of requests starts again with every byte
    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    answer = answers[0] if answers else f"no answer in {PATIENCE:.0f} s"
    if answer:
        raise Problem(f"on_failure at {urlsplit(url).hostname} could not be notified: {answer}.")


def _notify(addresses: Sequence[str], body: dict[str, Any]) -> list[str]:
    """Notifies each address by Apprise: mail, Slack, Teams, ntfy and others. Returns the kinds of those that failed;
    raises Problem if all did."""
    try:
        import apprise
    except ImportError:
        raise Problem(
            "on_failure could not be called: such an address needs Apprise, which is not installed. "
            "Install it: .venv/bin/python -m pip install '.[notify]'"
        ) from None
    missed = [urlsplit(address).scheme for address in addresses]

    def notify() -> None:
        # its log may contain the address, and would be printed without a handler
        with apprise.LogCapture(level=logging.WARNING):
            for address in addresses:
                sender = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Boxoffice", async_mode=False))
                title = "Boxoffice: all is well again" if body["well"] else "Boxoffice needs attention"
                if sender.add(address) and sender.notify(title=title, body=body["text"]):
                    missed.remove(urlsplit(address).scheme)

    thread = threading.Thread(target=notify, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if len(missed) == len(addresses):
        raise Problem(_not_sent(missed))
    return list(missed)


def _not_sent(kinds: Sequence[str]) -> str:
    return f"on_failure by {', '.join(kinds)} was not sent: the address is wrong, or does not answer."


def _run(command: str, text: str) -> None:
    with tempfile.TemporaryFile() as body:
        body.write(text.encode())
        body.seek(0)
        process = subprocess.Popen(
            # not as an argument: every user can read those
            ["/bin/sh", "-c", 'set -- "$ON_FAILURE"; unset ON_FAILURE; eval "$1"'],
            env=os.environ | {"ON_FAILURE": command},
            stdin=body,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Problem(f"The command on_failure did not finish in {PATIENCE:.0f} s and was stopped.") from None
        finally:
            if process.poll() is None:
                # with its child processes
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if code:
            raise Problem(f"The command on_failure ended with code {code}.")
