"""How the vectors of a collection are written and read, through the stand-in's calls."""

import sys

sys.path.insert(0, "/opt/standins")

import akidb_pkg

COLLECTION = "products"


def write(name, text):
    """One vector."""
    akidb_pkg.put(COLLECTION, name, text.encode())


def read(name):
    """One; nothing when it is not there."""
    return akidb_pkg.get(COLLECTION, name) if name in akidb_pkg.names(COLLECTION) else None


def names():
    """All."""
    return akidb_pkg.names(COLLECTION)


def remove(name):
    """Take one away."""
    akidb_pkg.remove(COLLECTION, name)
