"""Landfall: fetch -> extract -> transform -> validate -> stage -> publish. `job` tells the story of one load."""
