"""What developers run on the code; none of it is part of a release."""
