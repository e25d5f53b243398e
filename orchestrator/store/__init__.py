"""The journal and the current rows behind one Store protocol. SQL and asyncio live here only."""
