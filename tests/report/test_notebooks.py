"""The notebooks: no outputs in the repository, and each runs on the demo and where there is next to nothing."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from boxoffice.settings import ROOT, Settings
from tests.report.conftest import missing

FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
PICTURES = {"customers": 6, "event_in_depth": 3, "money": 5, "sales_overview": 7}


def python() -> str:
    """The Python of the notebooks' own environment: pandas stays out of the one that runs the pipeline."""
    found = Path(os.environ.get("BOXOFFICE_NOTEBOOKS_PYTHON", ROOT / ".venv-notebooks" / "bin" / "python"))
    if not found.exists():
        missing("The notebooks' environment", "make .venv-notebooks/.ready sets it up")
    return str(found)


def run(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TICKET", "BOXOFFICE_"))}
    done = subprocess.run(
        [python(), str(Path(__file__).parent / "run_notebooks.py"), str(FOLDER)],
        env={**environ, "BOXOFFICE_DATA_DIR": str(settings.data_dir), "JUPYTER_PLATFORM_DIRS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    shown = json.loads(done.stdout)
    # what a cell says on the error channel is a warning that a reader would have to make sense of
    assert [one for cells in shown.values() for one in cells if one["kind"] == "stream"] == []
    return shown


def test_they_are_kept_without_what_they_showed() -> None:
    assert sorted(PICTURES) == NAMES
    for name in NAMES:
        notebook = json.loads((FOLDER / f"{name}.ipynb").read_text())
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
        assert notebook["cells"][0]["cell_type"] == "markdown"


def test_on_the_demo_every_chart_is_drawn(demo: Settings) -> None:
    shown = run(demo)
    assert {name: sum(one["picture"] > 5000 for one in cells) for name, cells in shown.items()} == PICTURES
    # neither what a cell's last line returned, nor what a data frame calls what it does not know
    texts = [one["text"] for cells in shown.values() for one in cells]
    assert [text for text in texts if text.startswith(("<Axes", "Text(", "NaN")) or " NaN" in text] == []
    said = " ".join(one["text"] for one in shown["money"])
    assert "not accounted for" in said
    assert "Shown: **GBP**." in said


@pytest.mark.house
def test_where_there_is_next_to_nothing_they_say_so(thin: Settings, empty: Settings) -> None:
    little = run(thin)
    assert all(any(one["picture"] for one in cells) for cells in little.values())
    nothing = run(empty)
    for name, cells in nothing.items():
        assert any("Nothing to show" in one["text"] for one in cells), name


def test_nobody_is_named(demo: Settings) -> None:
    """Pictures and tables are passed around: no notebook reads the columns with names and addresses."""
    for name in NAMES:
        source = (FOLDER / f"{name}.ipynb").read_text()
        assert not [word for word in ("email", "full_name", "last_name", "first_name", "phone") if word in source], name
