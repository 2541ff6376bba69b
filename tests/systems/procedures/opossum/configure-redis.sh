#!/bin/bash
# What the guide has in redis.conf for a single instance.
set -e
until systemctl is-active --quiet redis-server; do sleep 0.1; done
printf '\nmaxmemory 1gb\nmaxmemory-policy allkeys-lru\nappendonly yes\n' >>/etc/redis/redis.conf
systemctl restart redis-server
until [ "$(redis-cli config get appendonly | tail -n 1)" = yes ]; do sleep 0.1; done
