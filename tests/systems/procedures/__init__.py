"""The documented backup and recovery procedures of the systems: as they are written, and where they can be tried."""
