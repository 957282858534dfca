"""`boxoffice explore`: serves the page (explore_page) to this machine's browser, read only and without a network."""

import contextlib
import os
import secrets
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from boxoffice.errors import Problem
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published

HOST = "127.0.0.1"
NEEDS_MARIMO = (
    "The page needs marimo, which is not installed here. "
    "Once: .venv/bin/python -m pip install --constraint constraints.txt '.[explore]'"
)
# marimo's own menu saves the page as a file that fetches scripts from elsewhere
_HEAD = "<style>[data-testid=notebook-actions-dropdown] {display: none !important}</style>"
# all comes from here and nothing goes elsewhere, whatever a name in the data looks like
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://{origin} data: blob:; "
    "worker-src 'self' blob:; manifest-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)


def explore(settings: Settings, port: int, *, browser: bool, say: Callable[[str], object]) -> None:
    """Serves the page on loopback until it is interrupted, then ends the process. ``port`` 0 takes a free one; ``say``
    gets the address.

    The data folder is for its owner alone, a port for every user of the machine: without the token in the address (a
    cookie afterwards) the page is not given. Raises Problem where marimo is missing, nothing has been published, or the
    port is taken.
    """
    open_published(settings).close()
    with tempfile.TemporaryDirectory(prefix="boxoffice-explore-") as folder:
        _configure(Path(folder))
        try:
            import marimo
            import uvicorn
        except ImportError:
            raise Problem(NEEDS_MARIMO) from None
        token = secrets.token_urlsafe(24)
        with _listening(port) as listener:
            origin = f"{HOST}:{listener.getsockname()[1]}"
            page = marimo.create_asgi_app(quiet=True, token=token, html_head=_HEAD).with_app(
                path="/", root=str(Path(__file__).with_name("explore_page.py")), middleware=[_guarded(origin)]
            )
            address = f"http://{origin}/?access_token={token}"
            say(f"{address}\nKeep the address to yourself: it opens your figures. Ctrl-C stops.")
            if browser:
                _open(Path(folder) / "open.html", address)
            server = uvicorn.Server(uvicorn.Config(page.build(), log_level="error", timeout_graceful_shutdown=1))
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with nothing left behind
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
    # marimo's threads would wait for browsers that are still open
    sys.stdout.flush()
    os._exit(0)


def _configure(folder: Path) -> None:
    """marimo's settings are ours, not the user's own, and it writes nothing into a home."""
    (folder / "marimo").mkdir()
    (folder / "marimo" / "marimo.toml").write_text('[display]\ntheme = "system"\n')
    os.environ |= {"XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except OSError as error:
            raise Problem(
                f"Port {port} of {HOST} cannot be used: {error.strerror}. Give another with --port."
            ) from None
        yield listener


def _open(path: Path, address: str) -> None:
    """By a file of its owner alone: a browser's arguments are in the list of processes, for all to see."""
    path.touch(0o600)
    path.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">')
    webbrowser.open(path.as_uri())


def _guarded(origin: str) -> Callable[[Any], Any]:
    """Refuses what other pages of a browser ask for, under whatever name they reach this port; forbids the page any
    other address."""

    def guard(app: Any) -> Any:
        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] in ("http", "websocket"):
                headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
                if headers.get(b"host") != origin or headers.get(b"origin", f"http://{origin}") != f"http://{origin}":
                    refusal = {"type": "websocket.close", "code": 1008}
                    if scope["type"] == "http":
                        await send({"type": "http.response.start", "status": 403, "headers": []})
                        refusal = {"type": "http.response.body"}
                    await send(refusal)
                    return

            async def with_policy(message: Any) -> None:
                if message["type"] == "http.response.start":
                    policy = _POLICY.format(origin=origin).encode()
                    message["headers"] = [*message["headers"], (b"content-security-policy", policy)]
                await send(message)

            await app(scope, receive, with_policy)

        return guarded

    return guard
