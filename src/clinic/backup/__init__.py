"""A copy of everything, taken while people write, in one format for SQLite and PostgreSQL; and the way back.

An archive is a zip file of tables as JSON lines with a manifest at its end, usually inside the encryption of `sealed`.
`take` reads one consistent snapshot; `restore` fills an empty database and holds counts and hashes to the manifest.
"""

from clinic.backup.archive import Manifest, look
from clinic.backup.restore import Restored, restore
from clinic.backup.take import take

__all__ = ["Manifest", "Restored", "look", "restore", "take"]
