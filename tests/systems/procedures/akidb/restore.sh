#!/bin/bash
akidb-pkg import --file products.akipkg
