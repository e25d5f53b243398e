"""The state that rules are decided on, and the one way to change it: by events."""
