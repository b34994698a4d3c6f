"""Whom a request tells of its tokens and samples."""

from __future__ import annotations

from dataclasses import dataclass

from rung.models.protocol import OnSample, OnToken


@dataclass(frozen=True, slots=True)
class Told:
    """Both as `Model.generate` takes them."""

    on_token: OnToken | None
    on_sample: OnSample | None

    def behind(self, done: int) -> tuple[OnToken | None, OnSample | None]:
        """For a request whose samples are numbered behind those of `done` earlier ones."""
        on_token, on_sample = self.on_token, self.on_sample
        return (
            None if on_token is None else lambda index, token: on_token(done + index, token),
            None if on_sample is None else lambda index, text: on_sample(done + index, text),
        )
