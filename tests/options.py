"""The usual ways of the two protocols, as options are named."""

INFUSION = "racemic-iv-series/0.5.40min.twice-3w.then-7d"
SPRAY = "esketamine-label/56.twice-4w.then-7d"
