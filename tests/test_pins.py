"""The two lists of versions: what is pinned has hashes, and nothing that is installed lacks them."""

import itertools
import re
import tomllib

from boxoffice.settings import ROOT


def name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", text)[0]).lower()


def pins(file: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==([^\s;\\]+)", (ROOT / file).read_text(), re.M)
    return {name(package): version for package, version in found}


def test_every_pinned_version_has_hashes() -> None:
    """`make lock` was called since the last edit of pyproject.toml or constraints.txt."""
    pinned, hashed = pins("constraints.txt"), pins("constraints-hashed.txt")
    assert {package: hashed.get(package) for package in pinned if package in hashed} == {
        package: version for package, version in pinned.items() if package in hashed
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    wanted = itertools.chain(project["project"]["dependencies"], *extras.values(), *groups.values())
    assert {name(each) for each in [*wanted, "pip", "hatchling"]} <= set(pinned) & set(hashed)


def test_the_hashes_are_of_files_and_name_no_place() -> None:
    text = (ROOT / "constraints-hashed.txt").read_text()
    entries = [entry for entry in re.split(r"^(?=\w)", text, flags=re.M) if entry]
    assert len(entries) > 100
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==\S+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n", entry), entry[:80]
    assert "://" not in text
