"""Values from people: what they may refer to, and how they are read and checked."""
