"""Drills: the round trip of a backup, from a source over the documented procedures to a target that can't hurt it.

`place` says what a place is where procedures are run (the deployment, a scratch folder, a scratch container); `stores`
has one module for each kind of thing that is saved, found by scanning that package. The experiment `roundtrip` puts them together.
"""
