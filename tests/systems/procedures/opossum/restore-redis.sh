#!/bin/bash
BACKUP_FILE=$1

if [ -z "$BACKUP_FILE" ]; then
    echo "Usage: $0 backup-file.rdb.gz"
    exit 1
fi

sudo systemctl stop redis-server

if [[ $BACKUP_FILE == *.gz ]]; then
    gunzip -c $BACKUP_FILE > /tmp/dump.rdb
    BACKUP_FILE="/tmp/dump.rdb"
fi

sudo cp $BACKUP_FILE /var/lib/redis/dump.rdb
sudo chown redis:redis /var/lib/redis/dump.rdb
sudo systemctl start redis-server
redis-cli ping
