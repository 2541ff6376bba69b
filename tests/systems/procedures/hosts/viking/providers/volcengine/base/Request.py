"""Stand-in for a client of a cloud that is imported and never used."""


class Request:
    """Nobody makes one."""
