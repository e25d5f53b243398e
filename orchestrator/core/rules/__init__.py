"""What is allowed, what follows from what happened, and what is wanted next."""
