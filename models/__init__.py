"""Models behind one protocol: llama.cpp in a worker process, and OpenAI-compatible HTTP."""
