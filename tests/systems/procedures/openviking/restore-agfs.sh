#!/bin/bash
tar -xzvf "$BACKUP_FILE" -C /data/
