"""What follows what within a job, by its definition and the outcomes of its steps."""
