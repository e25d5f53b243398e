"""The long forms of the tests, and the page that says when each was last run."""
