"""What the clinic keeps of itself, as ordinary tables: rooms, who is on duty, certificates, alerts, stock.

Facts about a patient are FHIR and stand in `clinic.record`; nothing here repeats one. A row names people of the record
by their id alone.
"""
