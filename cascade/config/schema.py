"""The typed configuration. The descriptions of the fields are its documentation (docs/configuration.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rung.cascade.config.rules import gitignore_pattern, ladder_problems, price_problems, refuse, rung_problems
from rung.cascade.task import TaskKind
from rung.models.price import FREE, Price

USD = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UnitInterval = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]

GitignorePattern = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(gitignore_pattern)]
SetName = Annotated[str, Field(min_length=1, max_length=64, pattern=re.compile(r"^[a-z0-9][a-z0-9_-]*$"))]
RUNG_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 ._:/+-]*$")


class Section(BaseModel):
    """Unknown keys are refused, nothing is converted from another type, nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Theta(Section):
    """One threshold for each kind of task."""

    line: UnitInterval = Field(
        default=0.5, description="Threshold for the rest of a line: the mean probability of its first 3 tokens."
    )
    function: UnitInterval = Field(
        default=0.5, description="Threshold for the body of a function: the score of the self-test (Chen et al. 2024)."
    )

    def by_kind(self) -> dict[TaskKind, float]:
        return {TaskKind.LINE: self.line, TaskKind.FUNCTION: self.function}


class ThetaOverride(Section):
    """A rung's own thresholds; a kind that is left out keeps the ladder's."""

    line: UnitInterval | None = Field(default=None, description="For the rest of a line.")
    function: UnitInterval | None = Field(default=None, description="For the body of a function.")

    def by_kind(self) -> dict[TaskKind, float]:
        given = {TaskKind.LINE: self.line, TaskKind.FUNCTION: self.function}
        return {kind: theta for kind, theta in given.items() if theta is not None}


def _for_both_kinds(value: object) -> object:
    """`theta: 0.5` is short for the same threshold for every kind of task."""
    if isinstance(value, int | float | str | bool):
        return {"line": value, "function": value}
    return value


class Timeouts(Section):
    """Seconds for each part of a request."""

    connect: Seconds = Field(default=2.0, description="Seconds until the connection stands.")
    first_token: Seconds = Field(default=10.0, description="Seconds from the request to the first token.")
    whole: Seconds = Field(default=60.0, description="Seconds from the request to the last token.")


class PriceConfig(Section):
    """$ per token: either `input` and `output`, or the three numbers of the hardware."""

    input: USD | None = Field(default=None, description="$ per million tokens of the prompt.")
    output: USD | None = Field(default=None, description="$ per million generated tokens.")
    hours_per_million: USD | None = Field(
        default=None,
        description="Hours that a million generated tokens take on the hardware (Chen et al. 2024, table 2).",
    )
    gpus: int | None = Field(default=None, ge=1, le=100_000, description="GPUs that the model runs on.")
    usd_per_gpu_hour: USD | None = Field(default=None, description="$ for one GPU for one hour.")

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        refuse(price_problems(self))
        return self

    def to_price(self) -> Price:
        if self.hours_per_million is not None and self.gpus is not None and self.usd_per_gpu_hour is not None:
            return Price.from_hardware(self.hours_per_million, self.gpus, self.usd_per_gpu_hour)
        return Price(self.input or 0.0, self.output or 0.0)


class RungConfig(Section):
    """One model of the ladder: local with `checkpoint`, remote with `url`."""

    name: str = Field(
        min_length=1, max_length=64, pattern=RUNG_NAME, description="How reports call this rung; unique in the ladder."
    )
    checkpoint: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="Local: a name that `rung models list` knows, or a path to a .gguf file "
        "(relative to the folder of the file it is written in; `~` is your home).",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Local: processor threads, at most; rung measures how many of them are fastest. Left out, as many "
        "as there are cores.",
    )
    cache_mb: int = Field(
        default=144,
        ge=16,
        le=1_048_576,
        description="Local: MB of memory for what the model has read already, of all documents together. What was used "
        "longest ago goes first, and is read again when it is wanted again. One context always fits, however large.",
    )
    gpu_layers: int | None = Field(
        default=None,
        ge=0,
        le=1024,
        description="Local: layers of the model that a GPU computes; 0 is none. Left out, all of them where rung's "
        "llama.cpp was built for a GPU that is there.",
    )
    exact: bool = Field(
        default=False,
        description="Local: the same text for the same place, bit by bit, whatever was asked before, where nothing "
        "else is asked at the same moment. Prompts take twice the time, their memory is halved, and matches in the "
        "file are tried as drafts.",
    )
    context: int = Field(default=2048, ge=256, le=1_048_576, description="Tokens of prompt and generation together.")
    url: str | None = Field(
        default=None,
        min_length=1,
        max_length=2048,
        description="Remote: base of an OpenAI-compatible server, such as https://host/v1. Whatever has a url "
        "counts as remote, on this machine too: the rules of privacy and budgets apply to it.",
    )
    model: str | None = Field(
        default=None, min_length=1, max_length=256, description="Remote: the model's name at the server; required."
    )
    key_env: str | None = Field(
        default=None,
        max_length=128,
        pattern=re.compile(r"^[A-Z][A-Z0-9_]*$"),
        description="Remote: the NAME of the environment variable that holds the key, in capitals. Where it is not "
        "set, the keyring is asked (service `rung`, user this name). The key itself never goes into a file.",
    )
    timeouts: Timeouts = Field(default=Timeouts(), description="Remote: how long the server may take.")
    suffix: bool = Field(
        default=False, description="Remote: the server fills in the middle; it is sent what follows the cursor."
    )
    extra: dict[str, str | int | float | bool | None] = Field(
        default={},
        max_length=32,
        description="Remote: further fields of each request that only this server has, "
        "such as {repeat_penalty: 1.0} for llama-cpp-python's, which penalizes repetition unless told otherwise.",
    )
    price: PriceConfig = Field(
        default=PriceConfig(), description="What its tokens cost. Left out, they are free, and no $ budget holds."
    )
    k: int = Field(
        default=3,
        ge=-1,
        le=32,
        description="Functions: solutions (and test texts) to write. -1 skips this rung; 0 takes one solution without "
        "a test and so ends the ladder. Left out, it is 3 for a local rung and 0 for a remote one.",
    )
    l: int = Field(  # noqa: E741  the paper's name
        default=4,
        ge=0,
        le=16,
        description="Functions: `assert` lines in a test text. It is 0 exactly where k is 0. "
        "Left out, it is 4, and 0 where k is 0.",
    )
    theta: Annotated[
        ThetaOverride,
        BeforeValidator(_for_both_kinds, json_schema_input_type=UnitInterval | ThetaOverride),
    ] = Field(default=ThetaOverride(), description="This rung's own threshold, instead of the ladder's.")

    @model_validator(mode="before")
    @classmethod
    def _defaults_that_depend(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        k = data.get("k", 3 if data.get("url") is None else 0)
        return {"k": k, "l": 0 if k == 0 else 4, **data}

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        refuse(rung_problems(self))
        return self

    @property
    def remote(self) -> bool:
        """Whether requests go to a server."""
        return self.url is not None

    def to_price(self) -> Price:
        return self.price.to_price() if self.price.model_fields_set else FREE


class Deadline(Section):
    """Seconds for a climb, by the kind of task."""

    line: Seconds = Field(default=3.0, description="Seconds for the rest of a line.")
    function: Seconds = Field(default=30.0, description="Seconds for the body of a function, with its tests.")


class Budget(Section):
    """Limits of all remote rungs together; null is no limit."""

    usd_per_day: USD | None = Field(default=1.0, description="$ in a day. Rungs without a price cost $0.")
    tokens_per_day: int | None = Field(
        default=1_000_000, ge=0, description="Tokens in a day, of prompts and generations of all remote rungs."
    )
    escalations_per_hour: int | None = Field(default=120, ge=0, description="Requests to remote rungs within an hour.")


class Telemetry(Section):
    """The local SQLite file of counts, scores, costs, times and outcomes. It is never sent."""

    enabled: bool = Field(default=True, description="Write it.")
    source_text: bool = Field(default=False, description="Keep prompts and completions in it too.")


class Retrieval(Section):
    """Code from the project's other files in the prompts of lines, found by an index on this machine."""

    enabled: bool = Field(
        default=True,
        description="Index the project's files, and read what is found in them with the line. Files that .gitignore or "
        "never_send names, and text that looks like a secret, are not in it.",
    )


class Tune(Section):
    """Where `rung tune` finds problems with hidden tests."""

    data: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="Folder of the public sets humaneval, mbpp and apps; the environment variable RUNG_DATA overrides "
        "it. A path is relative to the file it is written in; `~` is your home.",
    )
    sets: dict[SetName, Annotated[str, Field(min_length=1, max_length=4096)]] = Field(
        default={},
        max_length=64,
        description="Your own sets by their names: a .jsonl file of functions with tests, or a folder of such files.",
    )


class Config(Section):
    """All of it."""

    enabled: bool = Field(default=True, description="false: rung answers nothing.")
    theta: Annotated[Theta, BeforeValidator(_for_both_kinds, json_schema_input_type=UnitInterval | Theta)] = Field(
        default=Theta(),
        description="An attempt is shown when its score is at least this, else the next rung is asked. In [0, 1]; one "
        "number for both kinds of task, or one for each. Higher is stricter: more escalations, within the budget.",
    )
    ladder: tuple[RungConfig, ...] = Field(
        default=(RungConfig(name="small", checkpoint="smollm2-135m"),),
        min_length=1,
        max_length=16,
        strict=False,
        description="The rungs in the order in which they are asked, smallest first. A file's ladder replaces the "
        "whole ladder of the layer below. Left out, it is one local rung, `small`, with smollm2-135m.",
    )
    deadline: Deadline = Field(default=Deadline(), description="How long a whole climb may take.")
    budget: Budget = Field(default=Budget(), description="What remote rungs may use; above it they are skipped.")
    never_send: tuple[GitignorePattern, ...] = Field(
        default=(),
        max_length=1000,
        strict=False,
        description="Files whose text never goes to a remote rung: patterns in the syntax of .gitignore, relative to "
        "the project, in any case. Added to the built-in ones; a later `!pattern` takes files out again.",
    )
    retrieval: Retrieval = Field(default=Retrieval(), description="Code from the project's other files.")
    telemetry: Telemetry = Field(default=Telemetry(), description="The local record of what rung did; never sent.")
    tune: Tune = Field(default=Tune(), description="Problems for `rung tune`.")

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        refuse(ladder_problems(self))
        return self
