"""The demonstration clinic: invented people at different stages of treatment, in two practices that never meet.

Everything enters through `actions`, like anything else. Scores come from a seeded generator: an exponential course with
noise the size of the questionnaire's own error.
"""

ZONE = "America/New_York"
"""Where the demonstration's clinic is; here, because it needs no database."""
