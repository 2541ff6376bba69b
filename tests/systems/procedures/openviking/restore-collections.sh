#!/bin/bash
python -c "
import asyncio
from openviking import AsyncOpenViking

async def restore():
    client = AsyncOpenViking()
    await client.initialize()
    await client.import_ovpack('/backups/resources.ovpack', 'viking://resources/', force=True, vectorize=True)
    await client.import_ovpack('/backups/user.ovpack', 'viking://user/', force=True, vectorize=True)
    await client.close()

asyncio.run(restore())
"
