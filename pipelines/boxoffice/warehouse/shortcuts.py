"""What dbt does for others and a build of ours can go without: a fifth of the time that one sale takes."""

import contextlib
from collections.abc import Iterator
from typing import Any


def before_import() -> None:
    """dbt's classes write the code that reads and writes them as JSON when it is first called, not all on import."""
    from mashumaro.config import BaseConfig

    BaseConfig.lazy_compilation = True


@contextlib.contextmanager
def taken(*, known: bool) -> Iterator[None]:
    """Meanwhile dbt leaves out what only its makers read.

    ``known``: it has parsed the project as it is now, so that its settings need not be validated again.
    """
    from dbt.compilation import Linker
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.dataclass_schema import dbtClassMixin
    from dbt_common.events import event_manager_client
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    class Events(EventManager):
        """Without debug events, nine in ten: dbt puts each into words, whoever reads them."""

        def fire_event(self, e: BaseEvent, level: EventLevel | None = None, *rest: Any, **more: Any) -> None:
            if (level or e.level_tag()) != EventLevel.DEBUG:
                super().fire_event(e, level, *rest, **more)

    events = event_manager_client.get_event_manager()
    event_manager_client.ctx_set_event_manager(Events())
    with contextlib.ExitStack() as replaced:
        replaced.callback(event_manager_client.ctx_set_event_manager, events)
        # a file about the graph, for which every node is made into JSON
        replaced.enter_context(_instead(Linker, "get_graph_summary", lambda linker, manifest: {}))
        # which module has asked for a flag, for a warning: it reads the source of all that is being called
        replaced.enter_context(_instead(BehaviorFlagRendered, "_default_source", staticmethod(lambda: "dbt")))
        if known:
            # against a JSON schema, which it derives from the classes of its settings first
            replaced.enter_context(_instead(dbtClassMixin, "validate", classmethod(lambda cls, data: None)))
        yield


@contextlib.contextmanager
def _instead(owner: type, name: str, function: Any) -> Iterator[None]:
    before = owner.__dict__[name]
    setattr(owner, name, function)
    try:
        yield
    finally:
        setattr(owner, name, before)
