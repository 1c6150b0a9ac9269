"""The rehearsal: the whole stack on one machine, against a local AWS whose tasks really run. See docs/rehearsal.md."""
