"""What is built once for the whole suite, by whichever of its processes needs it first; and the parsed dbt project."""

import fcntl
import hashlib
import os
import pprint
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jinja2
import msgpack
import yaml

from boxoffice.settings import DBT_PROJECT, Settings
from boxoffice.warehouse import dbt_project

# shared by all processes of this suite; conftest.py sets it
FOLDER = Path()


def made(name: str, make: Callable[[Path], object]) -> Path:
    """The folder that ``make`` filled. Not to be written to: copy it."""
    folder, done = FOLDER / name, FOLDER / f"{name}.done"
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def parsed(data_dir: Path) -> None:
    """Gives runs of a new data folder the parsed project: parsing takes as long as building little."""
    known, new = (dbt_project.parsed_file(Settings(data_dir=at)) for at in (made("parsed", _parse), data_dir))
    if not new.exists():
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(known, new)


def parsed_for_dbt(target: Path, data_dir: Path) -> None:
    """The same for dbt by hand, and its target folder.

    dbt parses again whatever differs from it, and everything when the path of the warehouse does, as in a folder that
    was copied: that is put right.
    """
    path = target / "partial_parse.msgpack"
    known = (
        path if path.exists() else dbt_project.parsed_file(Settings(data_dir=made("parsed", _parse))).parent / path.name
    )
    try:
        manifest = msgpack.unpackb(known.read_bytes(), strict_map_key=False, timestamp=3)
    except ValueError:  # cut short, as a full disk leaves it: for dbt to see
        return
    profile, expected = manifest["state_check"]["profile_hash"], _profile_hash(data_dir)
    if known == path and profile["checksum"] == expected:
        return
    profile["checksum"] = expected
    # models read it when they run, and are the same text wherever it leads
    manifest["env_vars"]["BOXOFFICE_DATA_DIR"] = str(data_dir)
    target.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgpack.packb(manifest, datetime=True))


def _parse(folder: Path) -> None:
    code = (
        "import pathlib, sys; from boxoffice.settings import Settings; from boxoffice.warehouse import dbt_project; "
        "dbt_project.keep_parsed(Settings(data_dir=pathlib.Path(sys.argv[1])))"
    )
    # in a process of its own: the suite's processes have none of it in their memory
    subprocess.run([sys.executable, "-c", code, folder], check=True)


def _profile_hash(data_dir: Path) -> str:
    """As dbt computes it in ManifestLoader.build_manifest_state_check: of the profile with its variables filled in."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    variables = os.environ | {"BOXOFFICE_DATA_DIR": str(data_dir)}
    text = jinja2.Template((DBT_PROJECT / "profiles.yml").read_text()).render(env_var=variables.get)
    profile = yaml.safe_load(text)["boxoffice"]["outputs"]["warehouse"] | {"schema": "main"}
    fields = {name: value for name, value in profile.items() if name not in ("type", "threads")}
    keys = sorted(DuckDBCredentials.from_dict(fields).connection_info())
    return hashlib.sha256(pprint.pformat(keys).encode()).hexdigest()
