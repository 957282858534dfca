"""What dbt's templates compile to, kept in a file: dbt compiles each again in every process, a model's in every build.

Jinja would keep those that it loads by name; dbt hands it texts.
"""

import contextlib
import marshal
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from boxoffice import atomic_file

_compiled: dict[tuple[str, str], CodeType] = {}


@contextlib.contextmanager
def kept(file: Path, program: str) -> Iterator[None]:
    """Meanwhile dbt compiles only what it has not compiled before, in this process or as ``file`` has it.

    What is new is then in the file too. ``program`` says which text of the program and Python it is of; what others
    have written is not read.
    """
    import jinja2

    compile = jinja2.Environment.compile

    def known_or_compiled(environment: jinja2.Environment, source: str, *names: Any, **options: Any) -> Any:
        kind = type(environment)
        # dbt's environments of one class compile alike, and give their templates no names
        if names or options or not kind.__module__.startswith("dbt"):
            return compile(environment, source, *names, **options)
        key = kind.__qualname__, source
        if key not in _compiled:
            _compiled[key] = compile(environment, source)
        return _compiled[key]

    if not _compiled:
        _compiled.update(_read(file, program))
    before = len(_compiled)
    jinja2.Environment.compile = known_or_compiled
    try:
        yield
    finally:
        jinja2.Environment.compile = compile
    if len(_compiled) > before:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file.whole(file, 0o600) as written:
            written.write(f"{program}\n".encode())
            marshal.dump(_compiled, written)


def _read(file: Path, program: str) -> dict[tuple[str, str], CodeType]:
    # it may be absent, or cut short
    with contextlib.suppress(OSError, EOFError, ValueError, TypeError), file.open("rb") as written:
        if written.readline() == f"{program}\n".encode():
            return marshal.loads(written.read())
    return {}
