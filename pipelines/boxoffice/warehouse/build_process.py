"""The build in a process of its own, which imports dbt and reads the project while the load is under way."""

import contextlib
import functools
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

from boxoffice import forking
from boxoffice.errors import Problem
from boxoffice.settings import Settings
from boxoffice.warehouse import build, dbt_project

Transform = Callable[..., build.Built]


@contextlib.contextmanager
def beside(settings: Settings, echo: build.Echo) -> Iterator[Transform]:
    """Yields ``build.transform`` of these settings, which may be called once.

    It works in a child that gets ready meanwhile, where that can be and is of use. The child ends with the context, and
    with this process, however that ends.
    """
    if dbt_project.is_parsed() or not forking.can_fork():
        yield functools.partial(build.transform, settings, echo)
        return
    here, there = multiprocessing.Pipe()
    child = forking.child(_work, settings, echo, there)
    there.close()

    def transform(changed: set[str] | None = None, *, start_over: bool = False) -> build.Built:
        with contextlib.suppress(OSError):  # it has failed before it was asked, and has said why
            here.send((changed, start_over))
        try:
            outcome = here.recv()
        except (EOFError, OSError):
            child.join()
            raise Problem(_ended(child.exitcode or 0)) from None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    try:
        yield transform
    finally:
        # it has nothing left to do, or what it does is to be done again: it is as safe as any kill
        child.kill()
        child.join()
        here.close()


def _work(settings: Settings, echo: build.Echo, parent: Connection) -> None:
    try:
        dbt_project.keep_parsed(settings)
        if not parent.poll():
            dbt_project.warm_up(settings)
        changed, start_over = parent.recv()
        outcome: object = build.transform(settings, echo, changed, start_over=start_over)
    except Exception as error:
        error.add_note("".join(traceback.format_exception(error)))
        outcome = error
    parent.send(outcome)


def _ended(exit_code: int) -> str:
    why = f"signal {-exit_code} ended it" if exit_code < 0 else f"it ended with code {exit_code}"
    if exit_code == -signal.SIGKILL:
        why += ", as Linux does where memory runs out: the setting memory_limit makes DuckDB take less"
    return (
        f"The process that built the marts did not finish: {why}.\n"
        "Raw holds all that was loaded; what was published before stays as it is, and the next run builds it again."
    )
