"""What the orchestrator costs, each figure beside a reference that was timed in the same run."""
