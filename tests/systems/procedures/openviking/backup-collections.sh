#!/bin/bash
python -c "
import asyncio
from openviking import AsyncOpenViking

async def backup():
    client = AsyncOpenViking()
    await client.initialize()
    await client.export_ovpack('viking://resources/', '/backups/resources.ovpack')
    await client.export_ovpack('viking://user/', '/backups/user.ovpack')
    await client.close()

asyncio.run(backup())
"
