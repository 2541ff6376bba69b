#!/bin/bash
tar -czvf backup-agfs-$(date +%Y%m%d).tar.gz /data/agfs
