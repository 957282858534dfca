"""Writing settings: ``.dlt/secrets.toml`` for what is secret, ``.dlt/config.toml`` for the rest, comments kept."""

from collections.abc import Callable
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from boxoffice.atomic_file import whole
from boxoffice.errors import ConfigProblem

Setting = tuple[tuple[str, ...], str]


def write(path: Path, settings: list[Setting], mode: int, may_replace: Callable[[str], bool]) -> bool:
    """Writes settings, each by its table and name, to a file and keeps the rest of it; returns whether it has changed.

    ``may_replace`` is called with the setting's name if the file has another value. Raises ConfigProblem for a file
    that is not TOML, and OSError where it cannot be written.
    """
    try:
        text = path.read_text() if path.exists() else ""
        document = tomlkit.parse(text)
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigProblem(f"{path} cannot be read as TOML: {error}. Nothing was written.") from None
    for names, value in settings:
        table = document
        for name in names[:-1]:
            table = table.setdefault(name, tomlkit.table(is_super_table=name != names[-2]))
        held = table.get(names[-1])
        if held is None or (held != value and may_replace(".".join(names))):
            table[names[-1]] = value
    written = tomlkit.dumps(document)
    if written == text:
        return False
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with whole(path, mode) as file:
        file.write(written.encode())
    return True
