"""`make bench`: every benchmark, one after the other; each measures its rivals in the same run and prints ratios."""

import runpy
from pathlib import Path

for path in [
    *sorted(Path(__file__).parent.glob("*_load.py")),
    *sorted(Path(__file__).parent.glob("runs.py")),
    Path(__file__).with_name("marts.py"),
    Path(__file__).with_name("releases.py"),
]:
    print(f"== {path.stem}", flush=True)
    runpy.run_path(str(path), run_name="__main__")
