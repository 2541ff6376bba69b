"""What keeps a run from harming a target: tiers, the target's identity and, for what is disturbed, a journal."""
