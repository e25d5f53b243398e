"""One job to its end: followed, watched, attended, and what is told meanwhile."""
