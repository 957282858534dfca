"""Deliveries by the thousand: ``python -m tests.deliveries --sequences 20000`` (or ``make fuzz``).

Writes what breaks something, reduced, into a folder, one file a kind; ``replay FILE`` tries such a file again.
"""

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.deliveries import shrink, ticket_tailor, ticketor
from tests.deliveries.batch import Batch, summary
from tests.deliveries.checks import Finding
from tests.deliveries.sequences import Sequence, renumbered

MAKERS = {"ticketor": ticketor.Maker, "ticket_tailor": ticket_tailor.Maker}
_TEST = re.compile(r": test (\w+)$")


def draw(seed: object, number: int, platform: str = "both", without: frozenset[str] = frozenset()) -> Sequence:
    """The sequence of a seed and a number, always the same."""
    chance = random.Random(f"{seed}/{number}")
    name = tuple(MAKERS)[number % 2] if platform == "both" else platform
    return MAKERS[name](chance, number, without, plain=chance.random() < 0.2).sequence()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.deliveries", description=__doc__)
    parser.add_argument("replay", nargs="*", type=Path, help="files of sequences that broke something, to try again")
    parser.add_argument("--sequences", type=int, default=2000, help="how many (default 2000)")
    parser.add_argument("--minutes", type=float, help="go on for so long instead, whatever --sequences says")
    parser.add_argument("--seed", default=str(int(time.time())), help="the same seed makes the same sequences")
    parser.add_argument("--batch", type=int, default=1000, help="sequences in one warehouse (default 1000)")
    parser.add_argument("--platform", choices=["both", *MAKERS], default="both")
    shapes = sorted({*ticketor.SHAPES, *ticket_tailor.SHAPES})
    parser.add_argument("--without", action="append", default=[], choices=shapes, help="leave a shape out")
    parser.add_argument("--leave-out", action="append", default=[], help="leave a dbt test out, its failures are known")
    parser.add_argument("--folder", type=Path, default=Path("data/fuzz"), help="where failing sequences are written")
    parser.add_argument("--builds", type=int, default=5, help="warehouses to spend on reducing a kind of failure")
    parser.add_argument("--reduce", action="store_true", help="reduce the sequences of these files, in place")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    return replay(asked) if asked.replay else search(asked)


def say(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


def replay(asked: argparse.Namespace) -> int:
    if asked.reduce:
        for path in asked.replay:
            kind, left_out = path.read_text().partition("\n")[0].removeprefix("# "), frozenset(asked.leave_out)
            smallest, shown = shrink.reduce(read(path), kind, say, left_out, asked.builds)
            if shown:
                path.write_text(shrink.written(smallest, shown, kind))
        return 0
    sequences = []
    for number, path in enumerate(asked.replay):
        sequences.append(renumbered(read(path), number))
    with tempfile.TemporaryDirectory() as folder:
        findings = Batch(Path(folder), sequences, say, frozenset(asked.leave_out)).try_all()
    for line in summary(findings):
        say(line)
    return 1 if findings else 0


def read(path: Path) -> Sequence:
    return json.loads(path.read_text().partition("<!-- to replay:")[2].partition("\n-->")[0])


def search(asked: argparse.Namespace) -> int:
    left_out, kinds = set(asked.leave_out), Counter()
    done, number, started = 0, 0, time.monotonic()
    say(f"seed {asked.seed}")
    while (time.monotonic() - started < asked.minutes * 60) if asked.minutes else done < asked.sequences:
        seed = f"{asked.seed}/{number}"
        size = asked.batch if asked.minutes else min(asked.batch, asked.sequences - done)
        sequences = [draw(seed, each, asked.platform, frozenset(asked.without)) for each in range(size)]
        begun = time.monotonic()
        for finding in _tried(asked, sequences, left_out, full=number % 2 == 0):
            kind = shrink.what(finding.kind)
            kinds[kind] += 1
            if kinds[kind] == 1:
                say(f"found: {finding.kind} (sequence {seed} {finding.number}): {finding.text[:400]}")
                _write(asked, sequences, finding, len(kinds), frozenset(left_out))
        done, number = done + size, number + 1
        say(f"{done} sequences, {len(kinds)} kinds of failures; this batch took {time.monotonic() - begun:.0f} s")
    for kind, count in kinds.most_common():
        say(f"{count:6} {kind}")
    return 1 if kinds else 0


def _tried(asked: argparse.Namespace, sequences: list[Sequence], left_out: set[str], full: bool) -> list[Finding]:
    """What a batch shows. A test that fails keeps all else from being seen: it is left out from then on."""
    findings: list[Finding] = []
    while True:
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            found = Batch(Path(folder), sequences, say, frozenset(left_out), full).try_all()
            shutil.rmtree(folder, ignore_errors=True)
        findings += found
        failing = {match[1] for each in found if (match := _TEST.search(each.kind))} - left_out
        if not failing:
            return findings
        say(f"once more without {', '.join(sorted(failing))}")
        left_out |= failing


def _write(
    asked: argparse.Namespace, sequences: list[Sequence], finding: Finding, number: int, left_out: frozenset[str]
) -> None:
    slug = re.sub(r"\W+", "-", finding.kind).strip("-").lower()[:80]
    path = asked.folder / f"{asked.seed}-{number:02}-{slug}.md"
    test = _TEST.search(finding.kind)
    kept = left_out - {test[1]} if test else left_out
    sequence = next((each for each in sequences if each["number"] == finding.number), None)
    if sequence is None and asked.builds:
        sequence = shrink.isolate(sequences, finding.kind, say, kept)
    if sequence is None:
        path.write_text(f"# {finding.kind}\n\n{finding.text}\n\nNo sequence is named.\n")
        return
    smallest, shown = shrink.reduce(sequence, finding.kind, say, kept, asked.builds)
    path.write_text(shrink.written(smallest, shown or finding, finding.kind))
    say(f"written: {path}")


if __name__ == "__main__":
    sys.exit(main())
