"""Profiles: their grammar (`model`), strict reading (`reading`, `loading`), the subjects they give (`subjects`)."""
