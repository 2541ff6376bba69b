#!/bin/bash
akidb-pkg export --collection products --output products.akipkg
scp products.akipkg dr-site:/backups/
