"""Facts on loads: what was asked of a target, how it answered, and what the generator itself was worth meanwhile."""
