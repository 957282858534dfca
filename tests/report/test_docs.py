"""The page that `make docs` makes: all is described, and in a real browser it can be read, on a phone too."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from boxoffice.settings import ROOT, Settings
from tests import once
from tests.report.browser import Browser, Page

TOO_WIDE = """
Array.from(document.querySelectorAll('.app-content *'))
    .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5 && !one.closest('.section-content, .panel'))
    .map(one => one.tagName + ' ' + one.className)
"""
COLUMNS = """
Array.from(document.querySelectorAll('tr.column-row')).map(row => {
    const [column, type, description] = row.querySelectorAll('td')
    const words = description.querySelector('span'), box = words.getBoundingClientRect()
    const whole = box.width > 0 && words.offsetWidth <= description.offsetWidth
    return [column.textContent.trim(), words.textContent.trim(), whole]
})
"""
DRAWN = """
Array.from(document.querySelectorAll('canvas')).map(canvas => new Set(
    new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)
).size)
"""


@pytest.fixture(scope="module")
def target(demo: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `make docs` put its page, made from the demo."""
    folder = tmp_path_factory.mktemp("docs")
    # dbt opens it for writing, which another test's reader would meet
    shutil.copyfile(demo.warehouse, folder / demo.warehouse.name)
    once.parsed_for_dbt(folder, folder)
    # -o: this environment is not set up anew by a test
    subprocess.run(
        ["make", "-o", ".venv/.run", f"BIN={Path(sys.executable).parent}", "docs"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "BOXOFFICE_DATA_DIR": str(folder),
            "DBT_TARGET_PATH": str(folder),
            "DBT_LOG_PATH": str(folder),
            # of the profile that the project was parsed with
            "BOXOFFICE_MEMORY_LIMIT": os.environ["BOXOFFICE_MEMORY_LIMIT"],
        },
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def manifest(target: Path) -> dict[str, Any]:
    return json.loads((target / "manifest.json").read_text())


def show(page: Page, target: Path, what: str, until: str) -> None:
    """Opens a page of the page, and waits until its script has drawn it."""
    page.open("about:blank")
    page.open(f"{(target / 'static_index.html').as_uri()}#!/{what}")
    give_up = time.monotonic() + 60
    while not page.ask(until):
        assert time.monotonic() < give_up, page.ask("document.body.innerText")
        time.sleep(0.1)


def test_everything_is_described(target: Path, manifest: dict[str, Any]) -> None:
    nodes = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] in ("model", "seed")}
    nodes |= manifest["sources"] | manifest["exposures"]
    assert len(nodes) > 100
    assert [name for name, node in nodes.items() if not node["description"].strip()] == []
    there = json.loads((target / "catalog.json").read_text())
    for name, table in (there["nodes"] | there["sources"]).items():
        described = {column for column, told in nodes[name]["columns"].items() if told["description"].strip()}
        # what dlt and the incremental models keep for themselves
        columns = {column for column in table["columns"] if not column.startswith("_")}
        if nodes[name]["resource_type"] != "source":
            assert columns - described == set(), name
        assert described - {*table["columns"]} == set(), name


def test_exposures_say_what_is_read(manifest: dict[str, Any]) -> None:
    marts = {node["name"]: name for name, node in manifest["nodes"].items() if node["fqn"][1:2] == ["marts"]}
    exposures = manifest["exposures"].values()
    for exposure in exposures:
        text = "".join((ROOT / path).read_text() for path in exposure["config"]["meta"]["reads"])
        read = {name for mart, name in marts.items() if re.search(rf"\b{mart}\b", text)}
        assert {*exposure["depends_on"]["nodes"]} == read, exposure["name"]
    told = {path for exposure in exposures for path in exposure["config"]["meta"]["reads"]}
    assert {str(path.relative_to(ROOT)) for path in ROOT.glob("notebooks/*.ipynb")} <= told


@pytest.mark.parametrize("width", [1280, 375])
def test_a_table_can_be_read(chromium: Browser, target: Path, manifest: dict[str, Any], width: int) -> None:
    page = chromium.page()
    page.resize(width, 900, mobile=width < 600)
    show(page, target, "model/model.boxoffice.fct_payments", "document.querySelectorAll('tr.column-row').length")
    assert page.ask("document.querySelector('h1').innerText").startswith("fct_payments")
    assert page.ask(TOO_WIDE) == []
    shown = page.ask(COLUMNS)
    told = manifest["nodes"]["model.boxoffice.fct_payments"]["columns"]
    assert {name: words for name, words, _ in shown} == {
        name: column["description"].strip() for name, column in told.items()
    }
    assert all(seen for *_, seen in shown), "a description is cut off"
    assert {request.split(":")[0] for request in page.requests} <= {"file", "data", "about"}, "nothing is fetched"


def test_lineage_and_exposures_are_drawn(chromium: Browser, target: Path) -> None:
    page = chromium.page()
    page.resize(1280, 900)
    show(page, target, "overview", "document.body.innerText.includes('Begin with')")
    show(page, target, "exposure/exposure.boxoffice.report", "document.body.innerText.includes('rpt_daily_sales')")
    show(page, target, "model/model.boxoffice.rpt_daily_sales?g_v=1&g_i=%2Brpt_daily_sales%2B", f"{DRAWN}[2] > 50")
