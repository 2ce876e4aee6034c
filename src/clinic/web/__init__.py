"""The pages: one file per word, its templates in the folder of that name. Shows and asks; decides nothing."""
