"""The nouns of the suites. Everything else is the plugin's."""

from seatrial.fixtures import *  # noqa: F403 - fixtures are taken by name
