"""Containerfile and compose.yaml, as far as they can be checked without an image registry: what goes into the build."""

import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from boxoffice.settings import ROOT

IGNORED = (ROOT / ".dockerignore").read_text().splitlines()
CONTAINERFILE = (ROOT / "Containerfile").read_text()


def test_the_build_is_given_what_the_wheel_is_made_of_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["only-include"], *wheel["force-include"], *project["project"]["license-files"]}
    needed |= {project["project"]["readme"], "pyproject.toml", "constraints-hashed.txt"}
    assert "*" in IGNORED and {line[1:] for line in IGNORED if line.startswith("!")} == needed


def test_compose_is_well_formed_and_writes_only_where_it_may() -> None:
    check = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run([check, "--builtin-schema", "vendor.compose-spec", str(ROOT / "compose.yaml")], check=True)
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["tmpfs"] == ["/tmp"], name
        for source, target, *mode in (volume.split(":") for volume in service["volumes"]):
            assert mode == ["ro"] or source in compose["volumes"], name
            assert f"{target} " in CONTAINERFILE.replace("\n", " ") or mode, name
    receiver = compose["services"]["receiver"]
    assert receiver["ports"] == ["127.0.0.1:8480:8480"] and "environment" not in receiver
    assert "\nUSER 1000:1000\n" in CONTAINERFILE
