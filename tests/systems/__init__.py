"""The five systems as their documents describe them, brought up for real where their programs can be had.

A program that can't be had is replaced by a stand-in that speaks its documented contract: `standins/`, named so in its
image and its code. Where a document is silent a stand-in conforms, so that what is red comes from the document.
"""
