#!/bin/bash
BACKUP_DIR="/backups/redis"
TIMESTAMP=$(date +%Y%m%d%H%M%S)
BACKUP_FILE="$BACKUP_DIR/redis-$TIMESTAMP.rdb"
mkdir -p $BACKUP_DIR
redis-cli save
cp /var/lib/redis/dump.rdb $BACKUP_FILE
gzip $BACKUP_FILE
find $BACKUP_DIR -name "redis-*.rdb.gz" -mtime +7 -delete
