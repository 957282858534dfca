"""Any bytes, led by coverage: ``python -m tests.fuzz_bytes buffer --seconds 1800`` (or ``make fuzz-bytes``).

What it finds is written into a folder, and tried again by ``replay FILE``. Needs atheris: Linux on x86, Python 3.11 to
3.13. It starts from the corpus beside this file and keeps what reaches new code in a folder of its own.
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_bytes", description=__doc__)
    parser.add_argument("target", choices=["buffer", "page"])
    parser.add_argument("replay", nargs="*", type=Path, help="what broke something, to try again")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--longest", type=int, default=4096, help="bytes of one input")
    parser.add_argument("--kept", type=Path, help="where inputs that reach new code are kept; default: nowhere")
    parser.add_argument("--found", type=Path, default=Path("fuzz-bytes-found"))
    arguments = parser.parse_args()

    import atheris

    with atheris.instrument_imports(include=["boxoffice.raw", "boxoffice.ticketor", "boxoffice.ticket_tailor"]):
        from tests.fuzz_bytes import targets
    target = targets.TARGETS[arguments.target]
    if arguments.replay:
        for path in arguments.replay:
            target(path.read_bytes())
        return
    arguments.found.mkdir(parents=True, exist_ok=True)
    # Linux counts as ours the most that whoever started us ever had
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with tempfile.TemporaryDirectory() as nowhere:
        kept = arguments.kept or Path(nowhere)
        kept.mkdir(parents=True, exist_ok=True)
        options = [
            f"-max_total_time={arguments.seconds}",
            f"-seed={arguments.seed}",
            f"-max_len={arguments.longest}",
            f"-dict={HERE / 'tokens.dict'}",
            f"-artifact_prefix={arguments.found}/{arguments.target}-",
            "-timeout=20",
            f"-rss_limit_mb={before + 2048}",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(kept), str(HERE / "corpus" / arguments.target)], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
