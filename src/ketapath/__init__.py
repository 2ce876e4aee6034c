"""ketapath tailors ketamine and esketamine treatment to one person. Start reading at `journey`."""

__version__ = "0.1.0"
