"""The worker process: serves one engine to the servers that connect to it."""
