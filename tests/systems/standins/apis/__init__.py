"""Stand-ins for what a load asks of the five systems: the part of their interfaces that `loadtests/` uses, and nothing behind it.

Each keeps what is written, in memory, and can be given a defect, so that a load shows that it would be noticed:

    python -m tests.systems.standins.apis akidb --port 0 --defect loses=3

Their health, metrics and probes are the stand-ins' beside this folder, which the systems' compose files are brought up with.
"""
