"""What the guide calls an environment-specific configuration; the stand-in reads the environment alone."""
