"""From bytes to documents: the socket, HTTP, events, and what errors a client can meet."""
