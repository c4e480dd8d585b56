"""The collection: a folder or files as an index on the disk, parsed once, kept fresh, read by everything else."""
