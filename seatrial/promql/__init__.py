"""PromQL as a reader sees it: parsed by promql-parser within bounds, with the place of everything in the text."""
