"""Stand-in for a client of models that is imported and never used: the double of them is asked by another."""


def completion(*_: object, **__: object) -> None:
    """There is none."""
    raise RuntimeError("litellm is a stand-in here")


acompletion = embedding = aembedding = completion
