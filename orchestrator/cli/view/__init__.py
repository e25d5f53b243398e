"""Documents to lines: what people read, and the terminal it is written to."""
