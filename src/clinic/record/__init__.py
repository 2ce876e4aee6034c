"""The one store of FHIR resources: current and historic versions, search terms, projections. SQLite or PostgreSQL.

Reading is free to all rooms above; writing (`clinic.record.write`) is for `actions.commit` alone. Content is kept as
the very text that came in; id and version stand beside it and are laid over it on reading.
"""
