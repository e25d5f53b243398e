"""What can be said: words, definitions, states, commands, events and rejections."""
