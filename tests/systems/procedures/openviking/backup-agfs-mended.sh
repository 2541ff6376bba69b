#!/bin/bash
# The same archive, with paths below the folder that it is restored to, whole or not there, and readable by its owner alone.
set -euo pipefail
umask 077
trap 'rm -f .backup-agfs.half' EXIT
tar -C /data -czf .backup-agfs.half agfs
gzip -t .backup-agfs.half
mv .backup-agfs.half "backup-agfs-$(date +%Y%m%d%H%M%S).tar.gz"
