"""The shell of ketapath: the clinic's record, people, pages, clock and workers. Decides nothing clinical."""
