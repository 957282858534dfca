"""Reduces a sequence that breaks something: hundreds of smaller ones are tried side by side in one warehouse."""

import copy
import functools
import itertools
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.deliveries import ticketor
from tests.deliveries.batch import Batch
from tests.deliveries.checks import Finding
from tests.deliveries.sequences import Sequence, renumbered

Edit = Callable[[Sequence], Sequence]

MOST = 240  # candidates in one warehouse
SIMPLE = {
    **dict.fromkeys(("Buyer", "Agent", "Card", "BillingAddress"), None),
    "Shipping": None,
    "WillCall": None,
    "PlatformFee": {},
    "Notes": "",
    "Referrer": "",
    "options": "",
    **dict.fromkeys(("Tax", "Tip", "Discount", "ServiceCharge", "Fee", "AdFee", "DeliveryFee", "ReturnedAmount"), 0),
    "InvoiceType": "Sale",
    "RelatedInvoiceId": 0,
    "ReturnStatus": "NotReturned",
    "Status": "sold",
    "ChargeMethod": "PRIOR_AUTH_CAPTURE",
    "PaymentType": "Visa",
    "Success": True,
    "Currency": "USD",
    "Date": "2025-03-01T12:00:00Z",
    "EventDate": "2025-06-01T20:00:00Z",
    "LastScannedAt": None,
    "Event": None,
    "ExpirationDate": None,
    "Section": "",
    "Row": "",
    "Seat": None,
    "PriceLevelName": "",
    "Barcode": "1",
    "DeliveryMethod": "",
    "OrderStatus": "Completed",
    "SignupDate": None,
    "Product": None,
    "Tickets": [],
    "Products": [],
    "Payments": [],
}


def what(kind: str) -> str:
    """A kind of finding without the run in which it showed."""
    return kind.partition(": ")[2] or kind


def parts_for(kind: str) -> tuple[str, ...]:
    where = kind.partition(":")[0]
    if where.startswith(("other", "order of arrival", "current state")):
        return ("other",)
    return ("rebuilt",) if where.startswith(("rebuild", "grown and")) else ()


def reduce(
    sequence: Sequence,
    kind: str,
    say: Callable[[str], None],
    left_out: frozenset[str] = frozenset(),
    builds: int = 8,
) -> tuple[Sequence, Finding | None]:
    """The smallest sequence found within so many warehouses that shows the same kind of finding.

    Every other warehouse tries one edit at a time, the next one those that were survived, many at once.
    """
    best, shown = sequence, None
    survived: list[Edit] = []
    for turn in range(builds):
        chance = random.Random(turn)
        if survived:
            sizes = [len(survived), *(max(1, len(survived) * part // 8) for part in range(1, 8) for _ in range(6))]
            sets = [[edit] for edit in survived] + [chance.sample(survived, size) for size in sizes]
        else:
            sets = [[edit] for edit in itertools.islice(edits(best, chance), MOST)]
        tried: list[Sequence] = []
        made: list[list[Edit]] = []
        for chosen in sets:
            smaller = copy.deepcopy(best)
            for edit in chosen:
                smaller = edit(smaller)
            if smaller != best:
                tried.append(renumbered(smaller, len(tried)))
                made.append(chosen)
        found = _survivors(tried, kind, left_out) if tried else {}
        say(f"reducing: {len(tried)} candidates, {len(found)} of them fail, {_size(best)} bytes so far")
        if not found:
            break
        number = min(found, key=lambda each: _size(tried[each]))
        shown = found[number]
        if survived or len(found) == 1 or turn == builds - 1:
            best, survived = tried[number], []
        else:
            survived = [made[each][0] for each in sorted(found)]  # each alone is one of the sets of the next turn
    return best, shown


def isolate(
    sequences: list[Sequence], kind: str, say: Callable[[str], None], left_out: frozenset[str]
) -> Sequence | None:
    """The sequence that breaks a build which does not name it; None where it takes several."""
    while len(sequences) > 1:
        half = len(sequences) // 2
        for part in (sequences[:half], sequences[half:]):
            with tempfile.TemporaryDirectory() as folder:
                found = Batch(Path(folder), part, left_out=left_out).try_all(parts_for(kind))
            say(f"isolating: {len(part)} sequences, {sum(what(each.kind) == what(kind) for each in found)} failures")
            if any(what(each.kind) == what(kind) for each in found):
                sequences = part
                break
        else:
            return None
    return sequences[0]


def _survivors(tried: list[Sequence], kind: str, left_out: frozenset[str]) -> dict[int, Finding]:
    with tempfile.TemporaryDirectory() as folder:
        batch = Batch(Path(folder), tried, left_out=left_out)
        found = batch.try_all(parts_for(kind))
        shutil.rmtree(folder, ignore_errors=True)
    return {each.number: each for each in found if each.number is not None and what(each.kind) == what(kind)}


def _size(sequence: Sequence) -> int:
    if sequence["platform"] == "ticketor":
        return len(json.dumps(sequence["messages"])) + 300 * len(sequence["messages"])
    changed = sum(one != other for one, other in itertools.pairwise(sequence["states"]))
    return len(json.dumps(sequence["states"])) + 3000 * changed


def edits(sequence: Sequence, chance: random.Random) -> Iterator[Edit]:
    """What makes a sequence smaller: each can be done after any others."""
    return _ticketor(sequence, chance) if sequence["platform"] == "ticketor" else _ticket_tailor(sequence)


def _ticketor(sequence: Sequence, chance: random.Random) -> Iterator[Edit]:
    messages = sequence["messages"]
    names = [message["at"] for message in messages]

    def keep(chosen: set[float]) -> Edit:
        return lambda each: {**each, "messages": [one for one in each["messages"] if one["at"] in chosen]}

    for size in (1, 2, 3, 4):
        sets = list(itertools.combinations(names, size)) if len(names) < 30 else []
        chance.shuffle(sets)
        for chosen in sets[:40]:
            yield keep(set(chosen))
    for gone in names:
        yield keep(set(names) - {gone})
    yield _plainly
    yield _at_once
    paths = [
        (message["at"], path)
        for message in messages
        if "payload" in message
        for path in ticketor.leaves(message["payload"])
        if path[-1] in SIMPLE
    ]
    chance.shuffle(paths)
    for at, path in paths:
        yield functools.partial(_simplified, at=at, path=path)


def _plainly(sequence: Sequence) -> Sequence:
    """Each message in an envelope and a file of its own."""
    for name, message in enumerate(sequence["messages"]):
        rounds = {key: message["file"][key] for key in ("round", "other_round")}
        message["file"] = {"name": name, "layout": "single", "gzip": False, "folder": "", "dated": False, **rounds}
        if "payload" in message:
            message["form"], message["wrap"] = "json", "object"
    return sequence


def _at_once(sequence: Sequence) -> Sequence:
    for message in sequence["messages"]:
        message["file"] = {**message["file"], "round": 0}
    return sequence


def _simplified(sequence: Sequence, at: float, path: tuple[Any, ...]) -> Sequence:
    for message in sequence["messages"]:
        if message["at"] == at and "payload" in message:
            target = message["payload"]
            try:
                for step in path[:-1]:
                    target = target[step]
                if path[-1] in target:
                    target[path[-1]] = copy.deepcopy(SIMPLE[path[-1]])
            except (KeyError, IndexError, TypeError):
                continue  # what held it was simplified before
    return sequence


def _ticket_tailor(sequence: Sequence) -> Iterator[Edit]:
    states = sequence["states"]
    for index, other in itertools.permutations(range(len(states)), 2):
        yield functools.partial(_as_before, index=index, other=other)
    listed = {each["id"] for state in states for objects in state.values() for each in objects}
    nested = {each["id"] for state in states for each in _nested(state) if isinstance(each["id"], str)}
    for gone in sorted(listed | nested):
        yield functools.partial(_without, gone=gone)
        for index in range(len(states)):
            yield functools.partial(_without, gone=gone, only=index)
    for index, (before, after) in enumerate(itertools.pairwise(states)):
        held = {each["id"]: each for objects in before.values() for each in objects}
        for objects in after.values():
            for each in objects:
                old = held.get(each["id"], each)
                for key in each:
                    if old.get(key) != each[key]:
                        yield functools.partial(_reverted, index=index + 1, name=each["id"], key=key)


def _as_before(sequence: Sequence, index: int, other: int) -> Sequence:
    sequence["states"][index] = copy.deepcopy(sequence["states"][other])
    return sequence


def _without(sequence: Sequence, gone: str, only: int | None = None) -> Sequence:
    for index, state in enumerate(sequence["states"]):
        if only in (None, index):
            for name, objects in state.items():
                state[name] = [each for each in objects if each["id"] != gone]
            for order in state["orders"]:
                for name in ("line_items", "issued_tickets"):
                    if isinstance(order.get(name), list):
                        order[name] = [each for each in order[name] if each["id"] != gone]
    return sequence


def _reverted(sequence: Sequence, index: int, name: str, key: str) -> Sequence:
    """A field as it was in the state before."""
    before, after = sequence["states"][index - 1], sequence["states"][index]
    held = {each["id"]: each for objects in before.values() for each in objects}
    for objects in after.values():
        for each in objects:
            if each["id"] == name and key in held.get(name, {}):
                each[key] = copy.deepcopy(held[name][key])
    return sequence


def _nested(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for order in state["orders"]:
        yield from order.get("line_items") or []
        yield from order.get("issued_tickets") or []


def written(sequence: Sequence, finding: Finding | None, kind: str) -> str:
    """A sequence as a person reads it, and as ``python -m tests.deliveries replay`` does."""
    lines = [f"# {kind}", "", finding.text if finding else "", ""]
    if sequence["platform"] == "ticketor":
        for message in sequence["messages"]:
            file = message["file"]
            lines.append(
                f"## {message['kind']}, received {ticketor.moment_of(message['at'])}, run {file['round'] + 1} "
                f"(other order: run {file['other_round'] + 1}), file {file['name']} ({file['layout']}, "
                f"{message.get('wrap')}, {message.get('form')})"
            )
            lines += ["```json", json.dumps(message.get("payload", message.get("raw")), ensure_ascii=False), "```"]
    else:
        before: dict[str, Any] = {}
        for number, state in enumerate(sequence["states"]):
            lines.append(f"## what run {number + 1} reads")
            held = {each["id"]: each for objects in state.values() for each in objects}
            for name, objects in state.items():
                for each in objects:
                    if each["id"] not in before:
                        lines += [f"{name}:", "```json", json.dumps(each, ensure_ascii=False), "```"]
                    elif before[each["id"]] != each:
                        old = before[each["id"]]
                        changed = {key: each.get(key) for key in {*each, *old} if old.get(key) != each.get(key)}
                        lines += [f"{name}, {each['id']} changed:", "```json", json.dumps(changed), "```"]
            lines += [f"gone: {gone}" for gone in before if gone not in held]
            before = held
    lines += ["", "<!-- to replay:", json.dumps(sequence, ensure_ascii=False), "-->", ""]
    return "\n".join(lines)
