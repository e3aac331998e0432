"""Settings: file, environment and options in rising precedence; what is misspelt is refused with the right spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradcheck import cli, config
from gradcheck.errors import UsageError


def write(directory: Path, text: str) -> Path:
    path = directory / "pyproject.toml"
    path.write_text(text)
    return path


def test_every_key_is_read_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    path = write(
        tmp_path,
        """[tool.gradcheck]
subjects = ["autograd", "mine:Subject"]
operators = ["log*", "softmax"]
profile = "quick"
seed = 3
out = "build/gradients"
jobs = 2
time-limit = 1.5
isolate = true
memory = 1.5
format = "junit"
report = "build/report"
known = "known.json"

[tool.gradcheck.peers.mine]
command = ["./mine"]
""",
    )
    assert config.load(below, {}) == config.Settings(
        subjects=("autograd", "mine:Subject"),
        operators="log*,softmax",
        profile="quick",
        seed=3,
        out=tmp_path / "build/gradients",
        jobs=2,
        time_limit=1.5,
        isolate=True,
        memory=1.5,
        format="junit",
        report=tmp_path / "build/report",
        known=tmp_path / "known.json",
        sources=(str(path),),
    )
    assert set(config.HELP) == set(config.KEYS)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, '[tool.gradcheck]\nseed = 3\nprofile = "quick"\n')
    found = config.load(tmp_path, {"GRADCHECK_SEED": "4", "GRADCHECK_TIME_LIMIT": "0", "GRADCHECK_ISOLATE": "no"})
    assert (found.seed, found.profile, found.time_limit, found.isolate) == (4, "quick", 0.0, False)


def test_a_file_without_a_table_of_ours_does_not_end_the_search(tmp_path: Path) -> None:
    below = tmp_path / "package"
    below.mkdir()
    write(tmp_path, "[tool.gradcheck]\nseed = 3\n")
    write(below, '[project]\nname = "gradcheck-user"\n')
    assert config.load(below, {}).seed == 3
    write(below, "[tool.gradcheck]\n")
    assert config.load(below, {}).seed is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("sede = 3", "sede is not known; did you mean seed?"),
        ("time_limit = 3", "time_limit is not known; did you mean time-limit?"),
        ("zzz = 3", "zzz is not known; known are subjects, "),
        ("seed = -1", "seed = -1: give an integer that is not negative"),
        ("seed = true", "seed = True: give an integer"),
        ("seed = 1.5", "seed = 1.5: give an integer"),
        ("time-limit = nan", "time-limit = nan: give a number of seconds"),
        ('profile = "thorugh"', "did you mean thorough?"),
        ('isolate = "perhaps"', "give true or false"),
        ("memory = -1", "memory = -1: give a number of gibibytes"),
        ("subjects = [1]", "give a list of texts"),
        ("subjects = []", "give at least one"),
        ('out = ""', "give a text that is not empty"),
        ('format = "xml"', "choose one of json, junit, github, sarif"),
    ],
)
def test_what_the_file_has_wrong_is_named_with_file_key_and_mend(line: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"[tool.gradcheck]\n{line}\n")
    with pytest.raises(UsageError) as caught:
        config.load(tmp_path, {})
    assert str(caught.value).startswith(f"{path}: [tool.gradcheck] {line.split(' = ')[0]}") and says in str(
        caught.value
    )


def test_what_the_environment_has_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"GRADCHECK_PROFIL is not known; did you mean GRADCHECK_PROFILE\?"):
        config.load(tmp_path, {"GRADCHECK_PROFIL": "quick"})
    with pytest.raises(UsageError, match=r"GRADCHECK_JOBS = 'many': give an integer"):
        config.load(tmp_path, {"GRADCHECK_JOBS": "many"})


@pytest.mark.parametrize("text", ["tool.gradcheck = 3\n", "[tool.gradcheck\n", "# gradcheck \xff\n"])
def test_a_file_that_cannot_be_read_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        config.load(tmp_path, {})
    assert str(caught.value).startswith(f"{path}: ")


def test_the_command_line_wins_and_says_so_in_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, '[tool.gradcheck]\nseed = 3\nprofile = "quick"\noperators = "tanh"\nout = "here"\njobs = 1\n')
    monkeypatch.chdir(tmp_path)
    assert cli.execute(["run"]) == cli.OK
    out = capsys.readouterr().out
    assert "profile quick  seed 3" in out and f"settings  {tmp_path / 'pyproject.toml'}\n" in out
    assert (tmp_path / "here" / "records.jsonl").exists()
    monkeypatch.setenv("GRADCHECK_SEED", "4")
    assert cli.execute(["run"]) == cli.OK
    out = capsys.readouterr().out
    assert "seed 4" in out and "pyproject.toml, GRADCHECK_SEED\n" in out
    assert cli.execute(["run", "--seed", "5"]) == cli.OK
    assert "seed 5" in capsys.readouterr().out


def test_a_misspelt_key_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "[tool.gradcheck]\nprofiel = 1\n")
    monkeypatch.chdir(tmp_path)
    assert cli.execute(["run"]) == cli.WRONG_USAGE
    assert "did you mean profile?" in capsys.readouterr().err
    assert not (tmp_path / "reports").exists()
