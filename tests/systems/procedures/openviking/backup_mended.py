#!/usr/bin/env python3
"""The same export such that it comes back: a pack for each folder, since one holds three levels and 1000 entries at most."""

import asyncio
import json
import os
import sys
import tempfile
import zipfile

from openviking import AsyncOpenViking

SCOPES = ("viking://resources", "viking://user", "viking://agent")
FOLDER = "/mended"


async def walk(client, uri, folders, files):
    """All folders and files below one."""
    folders.append(uri)
    for entry in await client.ls(uri, show_all_hidden=True, node_limit=10**9, output="original"):
        child = f"{uri}/{entry['name']}"
        if entry["isDir"]:
            await walk(client, child, folders, files)
        else:
            files.append(child)


async def main():
    """Export, and look into what was exported, before it is called a backup."""
    os.umask(0o077)
    with open(os.environ["OPENVIKING_CONFIG_FILE"], encoding="utf-8") as settings:
        kept = os.path.join(json.load(settings)["storage"]["workspace"], "viking")
    if not os.path.isdir(kept):
        sys.exit(f"{kept} is not there: OpenViking would begin with nothing, and save that")
    client = AsyncOpenViking()
    await client.initialize()
    folders, files, packs, held = [], [], {}, set()
    for scope in SCOPES:
        await walk(client, scope, folders, files)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".making-") as made:
        for number, uri in enumerate(folders):
            if uri.count("/") < 3:
                continue  # a scope itself: what lies in it directly is made anew by the server
            name = f"{number:06}.ovpack"
            await client.export_ovpack(uri, os.path.join(made, name))
            packs[name] = uri.rpartition("/")[0]
            with zipfile.ZipFile(os.path.join(made, name)) as pack:
                names = ["/".join(part.replace("_._", ".", 1) for part in n.split("/")[1:]) for n in pack.namelist()]
                held |= {f"{uri}/{n}" for n in names}
        await client.close()
        if lost := [uri for uri in files if uri not in held and uri.count("/") > 3]:
            sys.exit(f"{len(lost)} of {len(files)} were not saved: {lost[0]}")
        with zipfile.ZipFile(os.path.join(made, "whole"), "w", zipfile.ZIP_STORED) as whole:
            for name in packs:
                whole.write(os.path.join(made, name), name)
            whole.writestr("index.json", json.dumps(packs, ensure_ascii=False))
        os.replace(os.path.join(made, "whole"), os.path.join(FOLDER, "collections.zip"))


asyncio.run(main())
