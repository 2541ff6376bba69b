#!/bin/bash
# Read to its end, with its checksum, before anything is written: tar itself stops where an archive seems to end.
set -euo pipefail
gzip -t "$BACKUP_FILE"
tar -tzf "$BACKUP_FILE" >/dev/null
tar -xzpf "$BACKUP_FILE" -C /data/
