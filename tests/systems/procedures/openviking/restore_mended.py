#!/usr/bin/env python3
"""Each pack to the folder that its own lies in, and only when all of them can be read to their end."""

import asyncio
import json
import os
import sys
import tempfile
import zipfile

from openviking import AsyncOpenViking


async def main():
    """Import all, and fail with the first that can't be."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(os.environ["BACKUP_FILE"]) as whole:
                if whole.testzip():
                    sys.exit("the backup is damaged")
                packs = json.loads(whole.read("index.json"))
                for name in packs:
                    whole.extract(name, folder)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as why:
            sys.exit(f"the backup can't be read: {why}")
        client = AsyncOpenViking()
        await client.initialize()
        for name, parent in packs.items():
            await client.import_ovpack(os.path.join(folder, name), parent, force=True, vectorize=False)
        await client.close()


asyncio.run(main())
