"""Capacity: the highest rate at which an objective is still met, by loads of its kind at one rate after the other.

``searching``
    which rate is tried next, and what the ones that were tried add up to. Pure.
``stepping``
    one step: a load, judged as any other, and the rest after it.
``telling``
    what came of it, as lines, as a document for programs, and as a page with its plot.
``command``
    ``seatrial capacity``.
"""
