from __future__ import annotations

from pathlib import Path

import pytest

from rung.cascade.config import Config, ConfigError, PriceConfig, RungConfig
from rung.cascade.config.layers import read_layer
from rung.cascade.config.reference import with_reference
from rung.cascade.task import TaskKind
from rung.models.price import FREE, Price

REMOTE = "  - {name: large, url: 'https://a.example/v1', model: m, k: 0}\n"


def config(text: str) -> Config:
    from rung.cascade.config.layers import defaults, with_layer

    return with_layer(defaults(), read_layer(Path("config.yaml"), text.encode())).config()


def sentences(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config(text)
    return [sentence.removeprefix("config.yaml, ") for sentence in caught.value.sentences]


def test_without_a_file_one_small_local_rung_tests_itself() -> None:
    (rung,) = config("").ladder
    assert (rung.name, rung.checkpoint, rung.k, rung.l, rung.remote) == ("small", "smollm2-135m", 3, 4, False)
    assert rung.to_price() == FREE


def test_theta_may_be_one_number_or_one_for_each_kind() -> None:
    assert config("theta: 0.7").theta.by_kind() == {TaskKind.LINE: 0.7, TaskKind.FUNCTION: 0.7}
    assert config("theta: {line: 1}").theta.by_kind() == {TaskKind.LINE: 1, TaskKind.FUNCTION: 0.5}
    rung = config("ladder: [{name: a, checkpoint: b, theta: {function: 0.2}}]").ladder[0]
    assert rung.theta.by_kind() == {TaskKind.FUNCTION: 0.2}


def test_k_and_l_that_are_left_out_fit_the_rung() -> None:
    ladder = config(f"ladder:\n  - {{name: a, checkpoint: b}}\n  - {{name: c, checkpoint: d, k: 1}}\n{REMOTE}").ladder
    assert [(rung.k, rung.l) for rung in ladder] == [(3, 4), (1, 4), (0, 0)]


def test_what_a_local_rung_may_take_of_the_machine() -> None:
    left_out, given = config(
        "ladder:\n  - {name: a, checkpoint: b}\n  - {name: c, checkpoint: d, threads: 2, cache_mb: 64, gpu_layers: 0}\n"
    ).ladder
    assert (left_out.threads, left_out.cache_mb, left_out.gpu_layers) == (None, 144, None)
    assert (given.threads, given.cache_mb, given.gpu_layers) == (2, 64, 0)


def test_a_key_of_the_wrong_kind_of_rung_is_told_with_its_line() -> None:
    text = "ladder:\n  - name: x\n    url: https://a/v1\n    model: m\n    cache_mb: 64\n    gpu_layers: 1\n"
    assert sentences(text) == [
        'line 5: "cache_mb" is for local rungs, and rung "x" has a url; remove it',
        'line 6: "gpu_layers" is for local rungs, and rung "x" has a url; remove it',
    ]


def test_prices_by_tokens_and_by_hardware() -> None:
    assert PriceConfig(input=0.1, output=0.4).to_price() == Price(0.1, 0.4)
    by_hardware = PriceConfig(hours_per_million=5.75, gpus=8, usd_per_gpu_hour=0.44).to_price()
    assert by_hardware == Price(0.0, pytest.approx(20.24))


def test_all_problems_of_a_file_are_told_with_lines_and_near_keys() -> None:
    text = (
        "thteta: 1\nbudget:\n  usd_per_day: -1\ntelemetry: {enabeld: true}\nladder:\n  - checkpoint: x\n    contxt: 3\n"
    )
    assert sentences(text) == [
        'line 1: unknown key "thteta"; did you mean "theta"?',
        "line 3: budget.usd_per_day must be at least 0, not -1",
        'line 4: unknown key "enabeld" in telemetry; did you mean "enabled"?',
        'line 6: ladder[0] needs the key "name"',
        'line 7: unknown key "contxt" in ladder[0]; did you mean "context"?',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("theta: 1.5", "theta must be at most 1, not 1.5"),
        ("theta: true", "theta must be a number, not true"),
        ('theta: "0.5"', 'theta must be a number, not the text "0.5"'),
        ("theta: .nan", "theta must be "),
        ("theta: [1]", "theta must be a mapping of keys"),
        ("enabled: yes", 'enabled must be true or false, not the text "yes"'),
        ("deadline:", "deadline must be a mapping of keys; it is left empty"),
        ("deadline: {line: 0}", "deadline.line must be above 0, not 0"),
        ("budget: {tokens_per_day: 1.5}", "budget.tokens_per_day must be a whole number, not 1.5"),
        ("ladder: []", "ladder must not be empty"),
        ("ladder: [3]", "ladder[0] must be a mapping of keys, not 3"),
        ("never_send: ['!']", "never_send[0] cannot be used: this is no pattern"),
        ("never_send: ['# x']", "never_send[0] cannot be used: this is no pattern"),
        ("never_send: ['']", "never_send[0] must not be empty"),
    ],
)
def test_a_value_that_does_not_fit_is_told_in_words(text: str, expected: str) -> None:
    (sentence,) = sentences(text)
    assert expected in sentence


@pytest.mark.parametrize(
    ("rung", "expected"),
    [
        ("checkpoint: a, url: 'https://a/v1'", "exactly one of checkpoint (local) and url (remote)"),
        ("k: 1", "exactly one of checkpoint (local) and url (remote)"),
        ("url: 'https://a/v1'", "needs model"),
        ("url: 'https://a/v1', model: m, threads: 2", '"threads" is for local rungs'),
        ("url: 'https://a/v1', model: m, cache_mb: 192", '"cache_mb" is for local rungs'),
        ("url: 'https://a/v1', model: m, gpu_layers: 0", '"gpu_layers" is for local rungs'),
        ("checkpoint: a, cache_mb: 15", "ladder[0].cache_mb must be at least 16, not 15"),
        ("checkpoint: a, cache_mb: 1.5", "ladder[0].cache_mb must be a whole number, not 1.5"),
        ("checkpoint: a, cache_mb: true", "ladder[0].cache_mb must be a whole number, not true"),
        ("checkpoint: a, gpu_layers: -1", "ladder[0].gpu_layers must be at least 0, not -1"),
        ("checkpoint: a, gpu_layers: all", 'ladder[0].gpu_layers must be a whole number, not the text "all"'),
        ("checkpoint: a, suffix: true", '"suffix" is for remote rungs'),
        ("checkpoint: a, timeouts: {connect: 1}", '"timeouts" is for remote rungs'),
        ("url: 'ftp://a/v1', model: m", "url must be like https://host/v1"),
        ("url: 'https://', model: m", "url must be like https://host/v1"),
        ("url: 'https://[a/v1', model: m", "url is not a URL"),
        ("url: 'https://a:b@c/v1', model: m", "must not hold a user or a password"),
        ("url: 'https://a/v1?x=1', model: m", "must end with its path"),
        ("url: 'http://a.example/v1', model: m, key_env: A", "a key would go over http unencrypted"),
        ("checkpoint: a, k: 0, l: 2", "l must be 0 exactly where k is 0"),
        ("checkpoint: a, k: 3, l: 0", "l must be 0 exactly where k is 0"),
        ("checkpoint: a, price: {input: 1}", "needs both input and output"),
        ("checkpoint: a, price: {gpus: 1}", "also needs hours_per_million, usd_per_gpu_hour"),
        ("checkpoint: a, price: {input: 1, output: 1, gpus: 1}", "not both"),
    ],
)
def test_keys_of_a_rung_that_do_not_go_together_are_refused(rung: str, expected: str) -> None:
    (sentence,) = sentences(f"ladder: [{{name: x, {rung}}}]")
    assert expected in sentence


def test_a_key_goes_over_http_to_this_machine_only() -> None:
    assert config("ladder: [{name: x, url: 'http://127.0.0.1:8000/v1', model: m, key_env: A}]").ladder[0].remote


def test_no_rung_follows_one_that_ends_the_ladder() -> None:
    first = "ladder:\n  - {name: a, checkpoint: b, k: 0}\n"
    (sentence,) = sentences(first + "  - name: c\n    checkpoint: d\n    k: 3\n")
    assert sentence.startswith("line 5: ")
    assert "k: -1" in sentence
    assert config(first + "  - {name: c, checkpoint: d, k: -1}\n").ladder[1].k == -1


def test_rungs_have_their_own_names() -> None:
    rungs = "  - {name: a, checkpoint: b}\n" * 2
    assert sentences(f"ladder:\n{rungs}") == ['line 3: two rungs are named "a"; give each its own name']


@pytest.mark.parametrize("pasted", ["sk-abcdef0123456789", "hf_AbCdEfGhIjKlMnOp", "12345"])
def test_a_key_pasted_where_its_name_belongs_is_refused_and_not_repeated(pasted: str) -> None:
    (sentence,) = sentences(f"ladder: [{{name: x, url: 'https://a/v1', model: m, key_env: {pasted}}}]")
    assert "NAME" in sentence or "must be text" in sentence
    assert pasted not in sentence


def test_a_configuration_can_be_made_in_python_too() -> None:
    assert Config(ladder=[RungConfig(name="a", checkpoint="b", k=0)]).ladder[0].l == 0  # type: ignore[arg-type,call-arg]


def test_the_page_of_the_documentation_says_what_the_schema_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    assert page == with_reference(page), "run: python -m rung.cascade.config.reference docs/configuration.md"


def test_the_examples_of_the_documentation_are_valid() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    examples = [part.partition("```")[0] for part in page.split("```yaml\n")[1:]]
    assert len(examples) == 2
    for example in examples:
        config(example)
