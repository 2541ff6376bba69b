"""Ferry: the real target of the drills, a small service with right semantics that can be made wrong on purpose."""
