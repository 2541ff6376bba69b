#!/bin/bash
# The same recovery, such that it works whatever the server's persistence is, and says so when it did not.
set -euo pipefail

backup=$1
conf=/etc/redis/redis.conf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Read to its end and checked, before the server that still runs is touched.
gunzip -c "$backup" >"$work/dump.rdb"
redis-check-rdb "$work/dump.rdb" >&2

# An append-only file goes before dump.rdb when a server starts: it is started without, and told to write a new one.
appendonly=$(redis-cli config get appendonly | tail -n 1)
sudo systemctl stop redis-server
sudo rm -rf /var/lib/redis/appendonlydir
sudo install -o redis -g redis -m 0660 "$work/dump.rdb" /var/lib/redis/dump.rdb
sudo sed -i 's/^appendonly yes$/appendonly no/' "$conf"
sudo systemctl start redis-server
until [ "$(redis-cli ping)" = PONG ]; do sleep 0.1; done
if [ "$appendonly" = yes ]; then
    redis-cli config set appendonly yes
    while redis-cli info persistence | grep -Eq '^aof_rewrite_(in_progress|scheduled):1'; do sleep 0.1; done
    redis-cli info persistence | grep -q '^aof_last_bgrewrite_status:ok'
    sudo sed -i 's/^appendonly no$/appendonly yes/' "$conf"
fi
