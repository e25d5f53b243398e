"""One attempt of a step: its adapter, its processes, its questions, and what the journal learns."""
