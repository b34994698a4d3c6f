"""The engine inside the worker: one checkpoint, many requests, a batch at a time. The only importer of llama_cpp."""
