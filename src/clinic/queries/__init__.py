"""What pages and workers ask: one file per word. Reads only; returns the core's values or frozen ones of its own."""
