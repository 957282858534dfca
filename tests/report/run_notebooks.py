"""Runs every notebook top to bottom without a window; called with the Python that has the notebooks' packages.

    python run_notebooks.py FOLDER      prints, as JSON, what each cell of each notebook showed

One kernel serves them all, for starting one takes longer than most of them; ``%reset`` between them clears every name,
so that each stands on its own.
"""

import json
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook


def run(folder: Path) -> dict[str, list[dict[str, Any]]]:
    paths = sorted(folder.glob("*.ipynb"))
    cells, owners = [], []
    for path in paths:
        code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        cells += [*(new_code_cell(cell.source) for cell in code), new_code_cell("%reset -f")]
        owners += [path.stem] * (len(code) + 1)
    notebook = new_notebook(cells=cells)
    client = NotebookClient(
        notebook, timeout=300, startup_timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    shown: dict[str, list[dict[str, Any]]] = {path.stem: [] for path in paths}
    for owner, cell in zip(owners, notebook.cells, strict=True):
        for output in cell.outputs:
            data = output.get("data", {})
            shown[owner].append(
                {
                    "kind": output.output_type,
                    "picture": len(data.get("image/png", "")),
                    "text": output.get("text") or data.get("text/markdown") or data.get("text/plain") or "",
                    "cell": cell.source,
                }
            )
    return shown


if __name__ == "__main__":
    json.dump(run(Path(sys.argv[1])), sys.stdout)
