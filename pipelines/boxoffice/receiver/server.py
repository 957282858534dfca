"""The process: a socket, granian around the application, an orderly end."""

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.receiver.accounts import Account, by_token
from boxoffice.receiver.app import App
from boxoffice.receiver.writer import Writer
from boxoffice.settings import Settings

# Seconds for the header of a request, and for an idle connection to send one.
HEADER_SECONDS = 5
# Connections at once, waiting ones included; each takes a file descriptor.
CONNECTIONS, BACKLOG = 4096, 1024
# Seconds for what is under way to end after SIGTERM.
STOPS_WITHIN = 8.0
# Seconds for a connection that was taken before to send its request.
LAST_REQUESTS = 0.5
FIRST_INHERITED = 3  # sd_listen_fds(3)


def serve(settings: Settings, echo: Callable[[str], None], listening: socket.socket | None = None) -> None:
    """Takes webhooks until SIGTERM or SIGINT, then ends the process.

    Raises ConfigProblem, and Problem where it cannot listen or write.
    """
    accounts = by_token(settings)
    os.umask(0o027)
    _allow_files(CONNECTIONS + 256)
    listening = listening or _inherited() or listen(settings.receiver.listen)
    asyncio.run(_serve(settings, accounts, listening, echo))


async def _serve(
    settings: Settings, accounts: dict[str, Account], listening: socket.socket, echo: Callable[[str], None]
) -> None:
    writer = Writer(accounts.values(), settings.receiver.min_free, echo)
    host, port = listening.getsockname()[:2]
    descriptor = listening.detach()
    server = _granian(App(accounts, writer, settings.receiver), descriptor)
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    writing, serving = asyncio.create_task(writer.run()), asyncio.create_task(server.serve())
    names = ", ".join(str(account) for account in writer.buffers)
    echo(f"listening on http://{f'[{host}]' if ':' in host else host}:{port} for {names}")
    ended = asyncio.create_task(stopping.wait())
    await asyncio.wait([ended, writing, serving], return_when=asyncio.FIRST_COMPLETED)
    # granian closes what has been accepted and not yet read. With an unused socket in place of its own it accepts no
    # more, and what it has can be read; who comes now waits in systemd's socket for the next process.
    with socket.create_server(("127.0.0.1", 0)) as unused:
        unused.setblocking(False)
        os.dup2(unused.fileno(), descriptor, inheritable=False)
    await asyncio.sleep(LAST_REQUESTS)
    server.stop()
    done, _ = await asyncio.wait([serving], timeout=STOPS_WITHIN)
    writer.stop()
    await writing
    for task in done:
        task.result()
    echo("stopped; everything that was acknowledged is on the disk")
    sys.stderr.flush()
    # threads of granian that still serve a slow sender would keep the process
    os._exit(0 if stopping.is_set() else 1)


def _granian(app: App, descriptor: int) -> Any:
    """granian in this process: a kill ends all of it, whereas a worker process would keep listening."""
    try:
        from granian._granian import SocketHolder
        from granian.constants import HTTPModes, Interfaces
        from granian.http import HTTP1Settings
        from granian.log import LogLevels
        from granian.server.embed import Server
    except ImportError:
        raise Problem(
            f"The receiver needs another package: {sys.executable} -m pip install --constraint constraints.txt granian"
        ) from None

    class Inheriting(Server):
        """Serves a socket that is there already."""

        def _init_shared_socket(self) -> None:
            self._sfd, self._shd, self._ssp = descriptor, SocketHolder(descriptor, False, BACKLOG), None

    return Inheriting(
        app,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
        log_level=LogLevels.error,
        log_access=False,
    )


def _inherited() -> socket.socket | None:
    """The socket that systemd opened for us, if it did."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    if os.environ.get("LISTEN_FDS") != "1":
        raise Problem("systemd passed several sockets; the receiver listens on one. Nothing was started.")
    inherited = socket.socket(fileno=FIRST_INHERITED)
    inherited.setblocking(False)
    os.set_inheritable(FIRST_INHERITED, False)
    return inherited


def listen(address: str) -> socket.socket:
    """A socket that listens at ``host:port``. Raises ConfigProblem for another text, Problem where that is taken."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigProblem(f"receiver.listen is {address!r}, and should be an address such as 127.0.0.1:8480.")
    host = host.strip("[]")
    try:
        listening = socket.create_server(
            (host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
        )
    except OSError as error:
        raise Problem(f"Cannot listen on {address}: {error.strerror or error}. Nothing was started.") from None
    listening.setblocking(False)
    return listening


def _allow_files(count: int) -> None:
    """As many open files as connections may take, or as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        count = min(count, most)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))
