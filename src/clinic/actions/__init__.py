"""What people do: one file per word, each act through one gate, `actions.commit`.

An act takes `by` (the account), finds what it needs, calls the core, says the result in FHIR and commits it.
"""
