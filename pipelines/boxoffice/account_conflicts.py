"""Accounts whose sales would count twice: two names of one account, and buffers that overlap."""

import itertools
import os
from typing import TYPE_CHECKING

from boxoffice.errors import ConfigProblem

if TYPE_CHECKING:
    from boxoffice.settings import Settings


def refuse_conflicts(settings: "Settings") -> None:
    """Raises ConfigProblem for two names of one account, and for buffers that overlap each other or the data folder."""
    for one, other in itertools.combinations(settings.box_offices, 2):
        if one.api_key and (one.api_key, one.base_url.rstrip("/")) == (other.api_key, other.base_url.rstrip("/")):
            raise ConfigProblem(
                f"[ticket_tailor.box_offices.{one.name}] and [ticket_tailor.box_offices.{other.name}] have the same "
                "api_key, which is that of one box office: all its sales would count twice. Nothing was run. "
                "Keep one of them, or give the other its own key."
            )
    places = {f"[ticketor.sites.{site.name}]": _place(site.buffer) for site in settings.sites}
    places |= {
        f"[ticket_tailor.box_offices.{office.name}]": _place(office.buffer)
        for office in settings.box_offices
        if office.buffer
    }
    data_dir = os.path.realpath(settings.data_dir)
    for name, place in places.items():
        is_made_up = f"{place}/".startswith(f"{data_dir}/sandbox/")
        if f"{data_dir}/".startswith(f"{place}/") or (f"{place}/".startswith(f"{data_dir}/") and not is_made_up):
            raise ConfigProblem(
                f"The buffer of {name}, {place}, and the data folder {data_dir} are the same, or one "
                "is inside the other: what Boxoffice writes would be read as webhooks. Nothing was run. Give each a "
                "folder of its own."
            )
    for one, other in itertools.permutations(places, 2):
        if f"{places[other]}/".startswith(f"{places[one]}/"):
            how = "is the folder" if places[one] == places[other] else "is inside the folder"
            raise ConfigProblem(
                f"The buffer of {other} {how} of {one}, {places[one]}: whatever is "
                "in both would count twice. Nothing was run. Keep one of them, or give each a separate folder."
            )


def _place(buffer: str) -> str:
    """A folder with links resolved, or a bucket's address in a normal form."""
    address = buffer.removeprefix("file://")
    if "://" not in address:
        return os.path.realpath(address).rstrip("/")
    scheme, _, path = address.partition("://")
    return f"{scheme.lower()}://{'/'.join(part for part in path.split('/') if part)}"
