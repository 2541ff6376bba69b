"""Drills on real targets: what is disturbed, watched and brought back. Each file can run beside the others."""
