"""What steps write: kept within limits, and read with secrets masked."""
