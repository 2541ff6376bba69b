#!/bin/bash
ls -la /backups/*.ovpack
