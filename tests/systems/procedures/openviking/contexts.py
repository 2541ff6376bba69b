"""How what OpenViking keeps is written and read: resources, memories of the user and of the agent, through its own file system."""

import asyncio
import zlib

from openviking import AsyncOpenViking

loop = asyncio.new_event_loop()
client = AsyncOpenViking()
loop.run_until_complete(client.initialize())
files, who = client._client._service.viking_fs, client._client._ctx
SCOPES = (
    "viking://resources/notes",
    f"viking://user/{who.user.user_space_name()}/memories/events",
    f"viking://agent/{who.user.agent_space_name()}/memories/cases",
)


def place(name):
    """Where an object of that name lies: two in four are resources."""
    return f"{SCOPES[max(0, zlib.crc32(name.encode()) % 4 - 1)]}/{name}"


def listed():
    """All files but the summaries that are made of them."""
    found = {}
    for scope in ("viking://resources", "viking://user", "viking://agent"):
        tree = files.tree(scope, show_all_hidden=True, node_limit=100_000, level_limit=50, ctx=who)
        for entry in loop.run_until_complete(tree):
            if not entry["isDir"] and entry["name"] not in (".abstract.md", ".overview.md", ".relations.json"):
                uri = entry["uri"]
                known = [uri[len(base) + 1 :] for base in SCOPES if uri.startswith(base + "/")]
                found[known[0] if known and place(known[0]) == uri else uri] = uri
    return found


def write(name, text):
    """One file."""
    loop.run_until_complete(files.write_file(place(name), text, ctx=who))


def read(name):
    """Its text; nothing when it is not there."""
    uri = name if name.startswith("viking://") else place(name)
    if not loop.run_until_complete(files.exists(uri, ctx=who)):
        return None
    return loop.run_until_complete(files.read_file_bytes(uri, ctx=who))


def names():
    """All of them."""
    return sorted(listed())


def remove(name):
    """Take one away."""
    loop.run_until_complete(files.rm(place(name), ctx=who))


def close():
    """Let go of the folder: whoever comes next takes it alone."""
    loop.run_until_complete(client.close())
