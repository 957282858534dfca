"""Ten thousand damaged records: nothing crashes, every one is accounted for, no good one is harmed."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.ticketor import deliveries as d


def flip(rng: random.Random, text: bytes) -> bytes:
    """Some bytes become others; the line stays one line."""
    changed = bytearray(text)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        changed[rng.randrange(len(changed))] = rng.choice([byte for byte in range(256) if byte not in b"\n\r \t"])
    return bytes(changed)


def truncate(rng: random.Random, text: bytes) -> bytes:
    return text[: rng.randint(1, len(text) - 1)]


def _anywhere(rng: random.Random, item: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A random object within a payload, and a random key of it."""
    inner = [value for value in item.values() if isinstance(value, dict) and value]
    inner += [member for value in item.values() if isinstance(value, list) for member in value]
    chosen = rng.choice([item, *inner])
    return chosen, rng.choice(list(chosen))


def drop_key(rng: random.Random, text: bytes) -> bytes:
    item = json.loads(text)
    place, key = _anywhere(rng, item)
    del place[key]
    return d.compact(item).encode()


def swap_type(rng: random.Random, text: bytes) -> bytes:
    item = json.loads(text)
    place, key = _anywhere(rng, item)
    odd = [
        None,
        True,
        "",
        "x",
        -1,
        0.1,
        1e300,
        2**63,
        10**40,
        [],
        [1],
        {},
        {"a": []},
        "1e5",
        "12,5",
        "\u0000",
        float("nan"),
    ]
    place[key] = rng.choice(odd)
    return d.compact(item).encode()


def repeat_key(rng: random.Random, text: bytes) -> bytes:
    item = json.loads(text)
    key = rng.choice(list(item))
    return text[:-1] + f',"{key}":{json.dumps("another")}}}'.encode()


def surrogate(rng: random.Random, text: bytes) -> bytes:
    item: dict[str, Any] = json.loads(text)
    _, key = _anywhere(rng, item)
    return json.dumps(copy.deepcopy(item) | {"Extra" + key: "\ud800"}).encode()


MUTATIONS = [flip, flip, flip, truncate, truncate, drop_key, swap_type, repeat_key, surrogate]


@pytest.mark.parametrize("layout", ["lines", "files", "back to back", "list"])
def test_ten_thousand_mutations(tmp_path: Path, layout: str) -> None:
    rng = random.Random(layout)
    files: dict[str, bytes] = {}
    good: list[str] = []
    written = 0
    for number in range(50):
        texts = []
        for item in d.payloads(100 if layout == "lines" else 50, seed=number, first=10**15 * (number + 1)):
            text = d.compact(item).encode()
            if rng.random() < 0.5:
                text = rng.choice(MUTATIONS)(rng, text)
            elif layout != "files":
                good.append(text.decode())
            texts.append(text)
        written += len(texts)
        if layout == "lines":
            files[f"{number}.jsonl"] = b"\n".join(texts)
        elif layout == "files":
            files |= {f"{number}/{index}.json": text for index, text in enumerate(texts)}
        elif layout == "list":
            files[f"{number}.json"] = b"[" + b",".join(texts) + b"]"
        else:
            files[f"{number}.json"] = b"".join(texts)
    found = d.read(tmp_path, files)
    loaded = [row["document"] for row in found if row["outcome"] == "loaded"]
    refused = [row for row in found if row["outcome"] == "refused"]
    lost = set(good) - set(loaded)
    if layout in ("lines", "files"):
        assert len(loaded) + len(refused) == written == len(found)
        assert not lost
    else:
        # nothing parts a record whose end is gone from the next: at most that one goes with it
        assert len(lost) <= len(good) / 100
    assert all(row["reason"] and row["raw"] for row in refused)
    assert all(json.loads(document) for document in loaded)
