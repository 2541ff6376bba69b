#!/bin/bash
# Read to its end before anything is written.
set -euo pipefail
tar -tzf "$BACKUP_FILE" >/dev/null
tar -xzpf "$BACKUP_FILE" -C /data/
