"""YAML as a stream of events with their places: nothing is built, so that what is hostile can be refused before anything is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["events"]


def events(text: str) -> Iterator[Any]:
    """PyYAML's events, by libyaml where it is there.

    Raises:
        yaml.YAMLError: at the first thing that is no YAML.
    """
    import yaml

    if yaml.__with_libyaml__:
        from yaml.cyaml import CBaseLoader

        parser: Any = CBaseLoader(text)
    else:
        parser = yaml.BaseLoader(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()
