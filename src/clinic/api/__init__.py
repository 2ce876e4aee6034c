"""The FHIR R4 door, for scripts and other systems: bearer tokens, JSON, everything through `actions.commit`.

`door` is the ASGI application with its limits; `respond` answers one request; `routes` is the table that both the
capability statement and the OpenAPI document are made from.
"""
