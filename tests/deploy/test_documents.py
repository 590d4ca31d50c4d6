"""Commands, keys, variables and files that the pages and the files of deploy/ name are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from bridges import cli
from bridges.app import check
from bridges.settings import Settings
from core.errors import ConfigError
from core.loading import load
from tests.deploy import DEPLOY, ROOT

PAGES = [DEPLOY / "README.md", *sorted((ROOT / "docs").glob("operations-*.md"))]
FILES = [*PAGES, *sorted(file for file in DEPLOY.rglob("*") if file.is_file() and file.suffix not in (".md", ".json"))]
COMMANDS = "run|listen|work|playground|init|doctor|db|slack|discord"


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def texts(pattern: str, files: list[Path]) -> list[str]:
    return sorted({match for file in files for match in re.findall(pattern, file.read_text("utf-8"))})


@pytest.mark.parametrize("command", texts(rf"(?<![\w-])threadbridge ((?:{COMMANDS})(?: [^`\n#;|\"\]]*)?)", FILES))
def test_every_command_is_one_of_the_program(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command.rstrip(". "))
    end = next((place for place, word in enumerate(words) if not re.fullmatch(r"[a-z]+", word)), len(words))
    with pytest.raises(SystemExit) as ended:
        cli.main([*words[:end], "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for word in words[end:]:
        assert not word.startswith("--") or word in said


@pytest.mark.parametrize("name", texts(r"THREADBRIDGE__[A-Z_]+[A-Z]", FILES))
def test_every_variable_is_a_key_of_the_configuration(name: str) -> None:
    if name == "THREADBRIDGE__SECTION__KEY":
        return
    known({name: "1"})


@pytest.mark.parametrize("key", texts(r"`((?:database|http|relay|log|bridges|access)(?:\.[a-z_]+)+)`", FILES))
def test_every_key_is_one_of_the_configuration(key: str) -> None:
    known({"THREADBRIDGE__" + key.upper().replace(".", "__"): "1"})


def known(environment: dict[str, str]) -> None:
    if any("UPSTREAMS__MAIN" in name for name in environment):
        environment = {"THREADBRIDGE__UPSTREAMS__MAIN__KIND": "openai"} | environment
    wrong = ""
    try:
        load(Settings, None, environment)
    except ConfigError as error:
        wrong = error.sentence
    assert "is not a key" not in wrong


def test_the_example_of_an_environment_is_a_whole_configuration() -> None:
    """With every `#` removed and every gap filled, together with what compose sets."""
    example = re.findall(r"^#?(\w+)=(.*)$", (DEPLOY / ".env.example").read_text("utf-8"), re.MULTILINE)
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    environment = {name: value or "filled-in" for name, value in example}
    check(load(Settings, None, environment | compose["services"]["threadbridge"]["environment"]))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(r"(?<![\w/.])(?:deploy|tests)/[\w./@-]*\w", text):
        assert (ROOT / path).exists() or list(ROOT.glob(path + "*")), path


def test_every_file_that_compose_takes_is_there() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    sources = {
        volume.split(":")[0]
        for one in compose["services"].values()
        for volume in one.get("volumes", ())
        if volume[0] == "."
    }
    made_by_compose = {"./backups"}
    assert [source for source in sources - made_by_compose if not (DEPLOY / source).exists()] == []
