"""The engine behind OpenAI's `/v1/completions`: starlette and uvicorn."""
