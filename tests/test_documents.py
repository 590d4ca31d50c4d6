"""What the documents say of this repository is there, and what they tell to write or to type is taken."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, insert

from bridges.app import check
from bridges.cli import main, parser
from bridges.settings import Settings
from core.loading import load
from core.statements import CONVERSATION, PAIRED, PAIRING, TURN, now
from tests.console.seeding import turn_row

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(file for file in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/*.md")))


def named(document: Path) -> list[tuple[str, str]]:
    """The tests that a document names: file, and function if there is one."""
    return re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", document.read_text("utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_the_tests_that_are_named_exist(document: Path) -> None:
    for file, function in named(document):
        source = ROOT / file
        assert source.is_file(), file
        known = {node.name for node in ast.walk(ast.parse(source.read_text("utf-8"))) if hasattr(node, "name")}
        assert not function or function in known, f"{file}::{function}"


@pytest.mark.parametrize("document", ["guarantees.md", "security.md"])
def test_what_is_promised_is_shown_by_tests(document: str) -> None:
    assert len(named(ROOT / "docs" / document)) > 20


def test_nothing_is_said_of_an_attack_without_a_test_that_tries_it() -> None:
    rows = re.findall(r"(?m)^\| .*", (ROOT / "docs" / "security.md").read_text("utf-8"))
    assert [row for row in rows if "`tests/" not in row and "shown by" not in row] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_links_to_files_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|<)([^)#\s]+)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


# --- files that are named ---------------------------------------------------------------------------------------------

FOLDERS = "benchmarks|bridges|console|core|deploy|docs|migrations|sandbox|tests"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_the_files_that_are_named_exist(document: Path) -> None:
    text = document.read_text("utf-8")
    for name in re.findall(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*\w\.(?:py|md|toml|ya?ml|sh|service|timer))\b", text):
        assert (ROOT / name).exists() or (document.parent / name).exists(), f"{document.name} names {name}"
    for module in re.findall(rf"-m ((?:{FOLDERS})(?:\.\w+)+)", text):
        file = ROOT / module.replace(".", "/")
        assert file.with_suffix(".py").exists() or (file / "__main__.py").exists(), f"{document.name} runs {module}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_the_targets_that_make_is_asked_for_exist(document: Path) -> None:
    targets = re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for target in re.findall(r"`make (\w+)|^make (\w+)", document.read_text("utf-8"), re.MULTILINE):
        assert "".join(target) in targets


# --- what is to be written into the configuration ---------------------------------------------------------------------

LEAST = {
    "bridges": {
        "slack": {"bot_token": "xoxb-1", "app_token": "xapp-1"},
        "discord": {"token": "1"},
        "telegram": {"token": "1:1"},
    },
    "upstreams": {"main": {"kind": "goapi", "api_key": "1"}, "second": {"kind": "goapi", "api_key": "1"}},
}
"""What an extract leaves out because it stands elsewhere."""


def blocks(document: Path, *languages: str) -> list[str]:
    """What stands between fences of these languages."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", document.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [content for language, content in fenced if language in languages]


def left_out(extract: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What belongs around an extract, as variables of the environment; never in place of what it says itself."""
    for section, parts in LEAST.items():
        for name, keys in parts.items():
            said = extract.get(section, {}).get(name, {})
            yield from (
                (f"THREADBRIDGE__{section}__{name}__{key}".upper(), value)
                for key, value in keys.items()
                if key not in said
            )


EXTRACTS = [(document, text) for document in DOCUMENTS for text in blocks(document, "toml")]


def read(text: str, folder: Path, variables: dict[str, str] | None = None) -> None:
    """As the program reads its configuration. Raises `ConfigError`."""
    file = folder / "threadbridge.toml"
    file.write_text(text, "utf-8")
    extract = tomllib.loads(text)
    whole = {"bridges", "upstreams"} <= extract.keys()
    around = {} if whole else dict(left_out(extract))
    secrets = {name: name + "s" * 40 for name in re.findall(r"\$\{(\w+)\}", text)}
    check(load(Settings, file, {**around, **secrets, **(variables or {})}))


@pytest.mark.parametrize(("document", "text"), EXTRACTS, ids=lambda one: getattr(one, "name", ""))
def test_what_is_to_be_written_into_the_configuration_is_taken(document: Path, text: str, tmp_path: Path) -> None:
    read(text, tmp_path)


VARIABLES = [
    (document, name, value)
    for document in DOCUMENTS
    for name, value in re.findall(r"\b(THREADBRIDGE__\w+)=(\S*\w)", document.read_text("utf-8"))
]


@pytest.mark.parametrize(("document", "name", "value"), VARIABLES)
def test_the_variables_that_are_to_be_set_are_taken(document: Path, name: str, value: str, tmp_path: Path) -> None:
    """Over the extract of their document that they belong to, or over none."""
    section = name.split("__")[1:-1]
    extracts = [text for text in blocks(document, "toml") if f"[{'.'.join(section).lower()}]" in text]
    read(extracts[0] if extracts else "", tmp_path, {name: value})


# --- what is to be typed ----------------------------------------------------------------------------------------------


def typed(document: Path) -> Iterator[list[str]]:
    """The arguments of each `threadbridge` that is called, in blocks and within sentences, where a command that is only
    named is asked for its help."""
    text = document.read_text("utf-8")
    sentences = re.findall(r"`(threadbridge [a-z][^`\n]*)`", text)
    lines = [line for block in blocks(document, "console", "sh") for line in block.replace("\\\n", " ").splitlines()]
    for line in (*lines, *(one if one.count(" ") > 1 else f"{one} --help" for one in sentences)):
        words = shlex.split(line, comments=True)
        for place, word in enumerate(words):
            called = place == 0 or words[place - 1] in ("--", "--rm", "&&") or "/" in word
            if called and re.fullmatch(r"(.*/bin/)?threadbridge", word):
                end = next((at for at in range(place, len(words)) if words[at] in ("&&", ">", "|")), len(words))
                yield words[place + 1 : end]


CALLS = [(document, call) for document in DOCUMENTS for call in typed(document)]


def exit_code(call: list[str]) -> object:
    """Of understanding the call, or of the help that it asks for."""
    try:
        parser().parse_args(call)
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.parametrize(("document", "call"), CALLS, ids=lambda one: getattr(one, "name", None) or " ".join(one))
def test_the_commands_that_are_to_be_typed_are_understood(document: Path, call: list[str]) -> None:
    assert exit_code(call) == 0


HARMLESS = ("slack manifest", "db", "pair", "conversations")
RUN = [
    call
    for _, call in CALLS
    if "--yes" in call or (" ".join(call).startswith(HARMLESS) and not {"--config", "--help", "CODE"} & {*call})
]


@pytest.mark.parametrize("call", RUN, ids=" ".join)
def test_the_commands_that_do_no_harm_do_what_they_say(
    call: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("THREADBRIDGE_CONFIG", raising=False)
    monkeypatch.setenv("THREADBRIDGE__DATABASE__URL", f"sqlite:///{tmp_path}/threadbridge.db")
    for name, value in left_out({}):
        monkeypatch.setenv(name, value)
    assert main(["db", "upgrade"]) == 0
    fill(tmp_path / "threadbridge.db")
    assert main(call) == 0


def fill(file: Path) -> None:
    """With what the documents speak of: a conversation, and somebody who was told a code."""
    begun = {"id": 17, "thread": "slack:harbour:1", "upstream": "main", "fresh": True, "started_at": now()}
    person = {"bridge": "telegram", "author": "7", "author_name": "Eve", "expires_at": now() + timedelta(hours=1)}
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(insert(CONVERSATION).values(begun))
        connection.execute(insert(TURN).values(turn_row(1, conversation_id=17, author="U0123")))
        connection.execute(insert(PAIRING).values(person | {"code": "K7M2QX"}))
        connection.execute(insert(PAIRED).values(bridge="telegram", author="501001", author_name="Bob", at=now()))


def test_there_is_something_to_write_and_to_type() -> None:
    """So that a change of how the documents are written does not leave these tests without any."""
    assert len(EXTRACTS) > 8
    assert VARIABLES
    assert len(CALLS) > 15
    assert len(RUN) > 6
