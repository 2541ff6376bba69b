"""Latency as numbers: histograms, quantiles with their doubt, and what may be said of an objective. Pure; nothing is contacted.

``histograms``
    HdrHistograms: one form for recording, merging, saving and reading.
``intervals``
    how far a quantile of what was seen may be from the quantile of what there is.
``trends``
    whether a series has settled, and whether it stays so.
``verdicts``
    met, missed, or not to be decided, and why.
``effects``
    how much two samples differ, and whether that is more than chance.
"""
