"""`make soak`: 600 files of mixed datasets, sizes and faults through one process, every row accounted for."""
