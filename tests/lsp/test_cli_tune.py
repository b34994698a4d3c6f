"""`rung tune`: from recordings to a study, a page and a configuration."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from rung.cascade.config import Config
from rung.cascade.config.editing import FunctionSettings, edit
from rung.cascade.sandbox import Sandbox, SandboxUnavailable
from rung.cascade.tune import results
from rung.cascade.tune.journal import journal
from rung.cascade.tune.recording import read
from rung.lsp.cli.main import app
from rung.models.price import Price

from .tune_made import PROBLEMS, write_recording, write_set

CONFIG = """\
# mine
ladder:
  - name: small  # near
    checkpoint: smollm2-135m
    theta: 0.9
  - name: middle
    checkpoint: gemma3-270m
  - name: large
    url: http://127.0.0.1:9/v1
    model: big
    price: {input: 0.0, output: 16.0}
theta: 0.7
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, a set `ours`, and recordings of two rungs."""
    try:
        Sandbox.find()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNG_CONFIG", str(tmp_path / "config.yaml"))
    problems = write_set(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG + f"tune:\n  sets:\n    ours: {problems.name}\n", encoding="utf-8")
    write_recording(tmp_path / "tune", problems, "small", 1, 0.5)
    write_recording(tmp_path / "tune", problems, "large", 2, 16.0)
    return tmp_path


def tune(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["tune", *arguments])


def said(result: Result) -> str:
    return " ".join((result.output + result.stderr).split())


def ran(*arguments: str) -> results.Results:
    done = tune("run", "--set", "ours", "--splits", "5", *arguments)
    assert done.exit_code == 0, said(done)
    return results.read(Path("tune/ours/study.json"))


def test_a_ladder_that_tests_itself_saves_what_the_small_rung_solves(place: Path) -> None:
    study = ran().study
    assert study.problems == PROBLEMS
    assert study.best_single.accuracy == pytest.approx(2 / 3)
    assert study.instead.accuracy == pytest.approx(2 / 3)
    assert study.instead.shares == pytest.approx((1 / 3, 2 / 3))
    assert study.instead.dollars < study.best_single.dollars
    assert study.worth["global"].saved.mean > 0.2


def test_the_rungs_come_in_the_order_of_the_ladder_with_their_prices(place: Path) -> None:
    small, large = ran().rungs
    assert (small.name, small.price_from, small.price.output_usd) == ("small", "recording", 0.5)
    assert (large.name, large.price_from, large.price.output_usd) == ("large", "configuration", 16.0)
    (alone,) = ran("--rung", "large").rungs
    assert alone.name == "large"


def test_what_was_run_is_not_run_again_and_gives_the_same(place: Path) -> None:
    first = ran().study
    cells = Path("tune/executed.sqlite").read_bytes()
    again = ran().study
    assert Path("tune/executed.sqlite").read_bytes() == cells
    assert (first.cascade, first.worth) == (again.cascade, again.worth)


def test_a_local_rung_without_a_price_is_priced_by_its_seconds(place: Path) -> None:
    write_recording(place / "tune", place / "ours.jsonl", "small-free", 1, 0.0)
    (free,) = ran("--rung", "small-free").rungs
    assert free.price_from == "free"
    (priced,) = ran("--rung", "small-free", "--usd-per-hour", "0.36").rungs
    # Each call took a second, and its three samples so many tokens.
    assert priced.price.output_usd > 0
    assert "hours per million at $0.36" in priced.price_from


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "--set", "nothing"], "nothing has no recording"),
        (["run", "--set", "ours", "--rung", "who"], "who.jsonl cannot be read"),
        (["report", "--set", "ours"], "study.json is not there; `rung tune run` makes it."),
        (["apply", "--set", "ours", "--budget", "1"], "study.json is not there"),
        (["record", "--set", "ours", "--rung", "who"], "--rung who: the configured ladder has no such rung"),
        (["record", "--set", "who"], "who is no set of problems that rung knows"),
        (["speculate", "--set", "ours", "--draft", "small", "--target", "large"], "study.json is not there"),
    ],
)
def test_what_cannot_be_done_ends_in_a_sentence(place: Path, arguments: list[str], sentence: str) -> None:
    done = tune(*arguments)
    assert done.exit_code == 1
    assert sentence in said(done)
    assert "Traceback" not in said(done)


def test_a_set_that_changed_since_it_was_recorded_is_refused(place: Path) -> None:
    path = place / "ours.jsonl"
    path.write_text(path.read_text().replace("to x", "to y"))
    done = tune("run", "--set", "ours")
    assert done.exit_code == 1
    assert "recorded on other problems" in said(done)


def test_problems_that_a_rung_lacks_are_left_out_and_counted(place: Path) -> None:
    path = place / "tune" / "ours" / "small.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    found = ran()
    assert (found.study.problems, found.of) == (PROBLEMS - 1, PROBLEMS)


def test_the_report_is_one_page_with_plots_and_a_table_of_numbers(place: Path) -> None:
    ran()
    done = tune("report", "--set", "ours")
    assert done.exit_code == 0, said(done)
    page = Path("tune/ours/report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    rows = list(csv.DictReader(Path("tune/ours/report.csv").read_text(encoding="utf-8").splitlines()))
    best = next(row for row in rows if row["kind"] == "most accurate single")
    assert float(best["accuracy"]) == pytest.approx(2 / 3)
    assert float(best["answered by large"]) == 1.0


def test_names_from_files_are_no_html(place: Path) -> None:
    study = json.loads(results._FORM.dump_json(ran()))
    study["rungs"][0]["model"] = "<script>alert(1)</script>"
    Path("tune/ours/study.json").write_text(json.dumps(study), encoding="utf-8")
    assert tune("report", "--set", "ours").exit_code == 0
    page = Path("tune/ours/report.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_damaged_study_is_refused(place: Path) -> None:
    Path("tune/ours/study.json").write_text('{"format": "rung-study"}', encoding="utf-8")
    done = tune("report", "--set", "ours")
    assert done.exit_code == 1
    assert "is no study of this rung" in said(done)


def test_apply_writes_the_point_that_the_budget_allows_and_leaves_the_rest(place: Path) -> None:
    study = ran().study
    budget = study.instead.dollars * 1000 * 1.0001
    done = tune("apply", "--set", "ours", "--budget", str(budget), "--yes")
    assert done.exit_code == 0, said(done)
    assert "less than the most accurate single model" in said(done)
    text = Path("config.yaml").read_text(encoding="utf-8")
    assert text.startswith("# mine\n")
    assert "# near" in text
    written = YAML(typ="safe").load(text)
    small, middle, large = written["ladder"]
    option = study.instead.plan
    assert (small["k"], small["l"]) == (option[0].k, option[0].l)
    assert small["theta"] == {"line": 0.9, "function": study.theta}
    assert middle["k"] == -1
    assert (large["k"], large["l"]) == (option[1].k, option[1].l)
    assert written["theta"] == {"line": 0.7, "function": study.theta}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"# only words\n", b"# only words\nladder:\n  - name: small\n"),
        (b"---\r\nenabled: true # yes\r\n", b"---\r\nenabled: true # yes\r\nladder:\r\n  - name: small\r\n"),
        (
            b"ladder:\n- name: 'small'\n  checkpoint: x\n  k: 0\n  l: 0\n  # end\ntheta: 0.5\n",
            b"ladder:\n- name: 'small'\n",
        ),
    ],
)
def test_editing_keeps_how_a_file_is_written(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(before)
    edit(path, [FunctionSettings("small", -1, 0)], 0.3)
    written = path.read_bytes()
    assert written.startswith(after)
    assert written.count(b"#") == before.count(b"#")
    config = Config.model_validate(YAML(typ="safe").load(written))
    assert (config.ladder[0].k, config.theta.function) == (-1, 0.3)


def test_a_rung_may_be_called_like_a_date(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("ladder:\n  - {name: 2024-01-01, checkpoint: x}\n")
    edit(path, [FunctionSettings("2024-01-01", 3, 2)], 0.3)
    assert "k: 3" in path.read_text()


def test_a_free_ladder_is_drawn_too(place: Path) -> None:
    for name in ("one", "two"):
        write_recording(place / "tune", place / "ours.jsonl", name, 1, 0.0)
    ran("--rung", "one", "--rung", "two")
    assert tune("report", "--set", "ours").exit_code == 0
    ran("--rung", "one", "--rung", "large")
    assert tune("report", "--set", "ours").exit_code == 0


def test_five_rungs_are_too_many(place: Path) -> None:
    for number in range(3):
        write_recording(place / "tune", place / "ours.jsonl", f"more-{number}", 1, 1.0)
    done = tune("run", "--set", "ours")
    assert done.exit_code == 1
    assert "5 rungs are more than 4: choose with --rung" in said(done)


def test_a_new_price_does_not_keep_a_recording_from_going_on(place: Path) -> None:
    problems = place / "ours.jsonl"
    path = write_recording(place / "other", problems, "small", 1, 0.5)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    header = replace(read(path).header, price=Price(3.0, 4.0))
    with journal(path, header) as opened:
        assert opened.recording.entries


def test_apply_asks_first_and_changes_nothing_without_a_yes(place: Path) -> None:
    ran()
    before = Path("config.yaml").read_bytes()
    done = CliRunner().invoke(app, ["tune", "apply", "--set", "ours", "--budget", "100"], input="n\n")
    assert done.exit_code == 1
    assert Path("config.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("other", "middle", "large"), "has no rung 'small'"),
        (("large", "middle", "small"), "in another order than the study: small, large"),
    ],
)
def test_apply_refuses_another_ladder(place: Path, names: tuple[str, ...], sentence: str) -> None:
    study = ran().study
    rungs = [f"  - {{name: {name}, checkpoint: smollm2-135m}}\n" for name in names]
    (place / "config.yaml").write_text("ladder:\n" + "".join(rungs))
    done = tune("apply", "--set", "ours", "--budget", str(study.instead.dollars * 1001), "--yes")
    assert done.exit_code == 1
    assert sentence in said(done)


def test_a_budget_below_the_cheapest_setting_says_what_that_costs(place: Path) -> None:
    ran()
    done = tune("apply", "--set", "ours", "--budget", "0", "--yes")
    assert done.exit_code == 1
    assert "the cheapest costs $0.0" in said(done)


def test_import_refuses_what_would_overwrite_and_prices_that_do_not_fit(place: Path) -> None:
    rows = [{"prompt": 'def add_0(x):\n    """Add 0 to x."""\n', "samples": ["    return x\n"]}]
    for name in ("s", "t"):
        (place / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    files = ["--solutions", "s.jsonl", "--tests", "t.jsonl", "--set", "ours", "--rung"]
    done = tune("import", *files, "new", "--output-price", "3")
    assert done.exit_code == 0, said(done)
    assert f"1 of {PROBLEMS} problems, at $3.00 per million" in said(done)
    assert "is there already" in said(tune("import", *files, "new", "--output-price", "3"))
    assert "A price is" in said(tune("import", *files, "other", "--gpus", "2"))
    hardware = ["--hours-per-million", "9", "--gpus", "4", "--usd-per-gpu-hour", "0.44"]
    assert "$15.84 per million" in said(tune("import", *files, "gpu", *hardware))
