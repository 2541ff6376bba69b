#!/bin/bash
# The same backup, such that it fails when it saved nothing, and that a backup's name never stands for half of one.
set -euo pipefail
umask 077

folder=/backups/redis-mended
mkdir -p "$folder"
work=$(mktemp -d "$folder/.making-XXXXXX")
trap 'rm -rf "$work"' EXIT

redis-cli --rdb "$work/dump.rdb"
redis-check-rdb "$work/dump.rdb" >&2
gzip "$work/dump.rdb"
mv "$work/dump.rdb.gz" "$folder/redis-$(date +%Y%m%d%H%M%S).rdb.gz"
find "$folder" -name 'redis-*.rdb.gz' -mtime +7 -delete
