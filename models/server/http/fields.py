"""The fields of a request to `/v1/completions`: everything in it is untrusted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from rung.models.server.asked import Refused

N = 128
STOPS = 4
STOP_CHARACTERS = 1000
TOP = 5
_SEED = 2**63
_SENTENCE = "sentence"  # an error whose message is one already
_SHOWN = 60  # characters of a client's own field name


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError(_SENTENCE, "{sentence}", {"sentence": sentence})


def _prompt(value: object) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        raise _wrong("'prompt' has several texts; this server answers one in a request: send a request for each.")
    raise _wrong("'prompt' must be a text; this server takes no tokens.")


def _stops(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(stops, list) or len(stops) > STOPS:
        raise _wrong(f"'stop' must be a text, or a list of at most {STOPS}.")
    if not all(isinstance(stop, str) and 0 < len(stop) <= STOP_CHARACTERS for stop in stops):
        raise _wrong(f"Each text in 'stop' must have 1 to {STOP_CHARACTERS} characters.")
    return tuple(stops)


def _logprobs(value: object) -> object:
    """Some clients send the chat form's true and false."""
    return {True: 1, False: None}[value] if isinstance(value, bool) else value


def _only(neutral: object) -> AfterValidator:
    """A field of OpenAI's that changes nothing where it has this value, or none."""

    def check(value: object, info: ValidationInfo) -> object:
        same_kind = isinstance(value, bool) is isinstance(neutral, bool)
        if value is None or (same_kind and value == neutral):
            return None
        known = str(neutral).lower()
        raise _wrong(f"'{info.field_name}' has no other value than {known} on this server; leave it out.")

    return AfterValidator(check)


class _Fields(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _TextPart(_Fields):
    type: Literal["text"]
    text: str


class _Prediction(_Fields):
    type: Literal["content"]
    content: str | list[_TextPart]

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class _StreamOptions(_Fields):
    include_usage: bool | None = None
    include_obfuscation: Annotated[object, _only(False)] = None


class Fields(_Fields):
    """OpenAI's names; null is as good as absent."""

    prompt: Annotated[str, PlainValidator(_prompt)]
    model: str | None = None
    suffix: str | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    n: Annotated[int, Field(ge=1, le=N)] | None = None
    stop: Annotated[tuple[str, ...], PlainValidator(_stops)] = ()
    seed: Annotated[int, Field(ge=-_SEED, lt=_SEED)] | None = None
    logprobs: Annotated[Annotated[int, Field(ge=0, le=TOP)] | None, BeforeValidator(_logprobs)] = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    prediction: _Prediction | None = None
    best_of: int | None = None
    user: str | None = None
    echo: Annotated[object, _only(False)] = None
    top_p: Annotated[object, _only(1)] = None
    presence_penalty: Annotated[object, _only(0)] = None
    frequency_penalty: Annotated[object, _only(0)] = None
    logit_bias: Annotated[object, _only({})] = None


def read_fields(body: bytes) -> Fields:
    """Raises Refused; its message quotes nothing of the values."""
    try:
        fields = Fields.model_validate_json(body)
    except ValidationError as error:
        raise _refused(error.errors(include_url=False, include_input=False)[0]) from None
    if fields.best_of not in (None, 1, fields.n):
        raise Refused("'best_of' other than 1 and 'n' is not possible here; leave it out.", "best_of")
    if fields.stream_options is not None and not fields.stream:
        raise Refused("'stream_options' needs 'stream': true.", "stream_options")
    return fields


def _refused(error: ErrorDetails) -> Refused:
    name = _printable(".".join(str(part) for part in error["loc"][:2] if isinstance(part, str)))
    kind, said = error["type"], error["msg"]
    if kind == _SENTENCE:
        sentence = said
    elif kind == "extra_forbidden":
        sentence = f"This server does not know the field '{name}'; leave it out."
    elif kind == "missing":
        sentence = f"The field '{name}' is missing."
    elif kind.startswith("json_"):
        sentence = "The body is not JSON in UTF-8."
    elif kind.startswith("model_"):
        sentence = f"'{name}' must be a JSON object." if name else "The body must be a JSON object."
    else:
        sentence = f"'{name}' is wrong: {said[:1].lower()}{said[1:]}."
    return Refused(sentence, name or None)


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name[:_SHOWN])
