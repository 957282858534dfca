"""Reduces a sequence that breaks something: hundreds of smaller ones are tried side by side in one warehouse."""

import copy
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
    """The smallest sequence found within so many warehouses that shows the same kind of finding."""
    best, shown = sequence, None
    for turn in range(builds):
        smaller = list(itertools.islice(_unique(best, candidates(best, turn)), MOST))
        if not smaller:
            break
        tried = [renumbered(each, n) for n, each in enumerate(smaller)]
        survivors = _survivors(tried, kind, left_out)
        say(f"reducing: {len(tried)} candidates, {len(survivors)} of them fail, {_size(best)} bytes so far")
        if not survivors:
            if turn:
                break
            continue
        number = min(survivors, key=lambda n: _size(tried[n]))
        best, shown = tried[number], survivors[number]
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


def _unique(best: Sequence, made: Iterator[Sequence]) -> Iterator[Sequence]:
    seen = {json.dumps(best, sort_keys=True)}
    for each in made:
        text = json.dumps(each, sort_keys=True)
        if text not in seen:
            seen.add(text)
            yield each


def candidates(sequence: Sequence, turn: int) -> Iterator[Sequence]:
    if sequence["platform"] == "ticketor":
        return _ticketor(sequence, turn)
    return _ticket_tailor(sequence)


def _ticketor(sequence: Sequence, turn: int) -> Iterator[Sequence]:
    messages = sequence["messages"]

    def with_messages(chosen: list[dict[str, Any]]) -> Sequence:
        return {**sequence, "messages": copy.deepcopy(chosen)}

    for size in (1, 2, 3, 4):
        sets = list(itertools.combinations(messages, size))
        random.Random(turn).shuffle(sets)
        for chosen in sets[:60]:
            if size < len(messages):
                yield with_messages(list(chosen))
    if len(messages) > 1:
        for gone in range(len(messages)):
            yield with_messages(messages[:gone] + messages[gone + 1 :])
    yield _plainly(sequence)
    one_round = copy.deepcopy(sequence)
    for message in one_round["messages"]:
        message["file"] = {**message["file"], "round": 0}
    yield one_round
    paths = [
        (index, path)
        for index, message in enumerate(messages)
        if "payload" in message
        for path in ticketor.leaves(message["payload"])
    ]
    simpler = [(index, path) for index, path in paths if path[-1] in SIMPLE]
    yield _simplified(sequence, simpler)
    for step in (len(simpler) // 2, len(simpler) // 4, len(simpler) // 8):
        for start in range(0, len(simpler), step or 1):
            if step > 1:
                yield _simplified(sequence, simpler[start : start + step])
    for each in simpler:
        yield _simplified(sequence, [each])
    for index, message in enumerate(messages):
        for name in ticketor.LISTS.values():
            for gone in range(len(message.get("payload", {}).get(name) or [])):
                smaller = copy.deepcopy(sequence)
                smaller["messages"][index]["payload"][name].pop(gone)
                yield smaller


def _plainly(sequence: Sequence) -> Sequence:
    """Each message in an envelope and a file of its own."""
    smaller = copy.deepcopy(sequence)
    for name, message in enumerate(smaller["messages"]):
        rounds = {key: message["file"][key] for key in ("round", "other_round")}
        message["file"] = {"name": name, "layout": "single", "gzip": False, "folder": "", "dated": False, **rounds}
        if "payload" in message:
            message["form"], message["wrap"] = "json", "object"
    return smaller


def _simplified(sequence: Sequence, paths: list[tuple[int, tuple[Any, ...]]]) -> Sequence:
    smaller = copy.deepcopy(sequence)
    for index, path in paths:
        target = smaller["messages"][index]["payload"]
        try:
            for step in path[:-1]:
                target = target[step]
            if path[-1] in target:
                target[path[-1]] = copy.deepcopy(SIMPLE[path[-1]])
        except (KeyError, IndexError, TypeError):
            continue  # what held it was simplified before
    return smaller


def _ticket_tailor(sequence: Sequence) -> Iterator[Sequence]:
    states = sequence["states"]

    def with_states(chosen: list[dict[str, Any]]) -> Sequence:
        return {**sequence, "states": copy.deepcopy(chosen)}

    for index in range(len(states)):
        for other in range(len(states)):
            if states[index] != states[other]:
                chosen = list(states)
                chosen[index] = states[other]
                yield with_states(chosen)
    ids = {each["id"]: name for state in states for name, objects in state.items() for each in objects}
    for gone, name in ids.items():
        yield with_states([{**s, name: [each for each in s[name] if each["id"] != gone]} for s in states])
    for index, state in enumerate(states):
        for name, objects in state.items():
            for position in range(len(objects)):
                chosen = copy.deepcopy(states)
                chosen[index][name].pop(position)
                yield with_states(chosen)
    for gone in sorted({each["id"] for each in _nested(states) if each["id"]}):
        chosen = copy.deepcopy(states)
        for state in chosen:
            for order in state["orders"]:
                for name in ("line_items", "issued_tickets"):
                    if isinstance(order.get(name), list):
                        order[name] = [each for each in order[name] if each["id"] != gone]
        yield with_states(chosen)
    for index, (before, after) in enumerate(itertools.pairwise(states)):
        for name in after:
            held = {each["id"]: each for each in before[name]}
            for position, each in enumerate(after[name]):
                for key in each:
                    if each["id"] in held and held[each["id"]].get(key) != each[key] and key in held[each["id"]]:
                        chosen = copy.deepcopy(states)
                        chosen[index + 1][name][position][key] = copy.deepcopy(held[each["id"]][key])
                        yield with_states(chosen)


def _nested(states: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for state in states:
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
