"""The nouns that travel round the loop. Frozen values, no algorithms, no input or output."""
