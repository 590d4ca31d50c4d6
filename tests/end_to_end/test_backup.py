"""The whole program with a backup: while the upstream is down the backup answers and says so, and then it is back."""

from __future__ import annotations

from pathlib import Path

from sandbox.faults import Fault
from tests.program import Program, place, replied, world

PLACES = {"slack": "channel", "discord": "channel", "telegram": "group"}
NOTE = "Answered by second, because main is unavailable."


async def test_the_backup_answers_says_so_and_the_thread_finds_its_way_back(tmp_path: Path) -> None:
    async with world() as standing:
        second = '[upstreams.second]\nkind = "mygptassistants"\nbot_id = "bot_sandbox"\napi_key = "sandbox-key"\n'
        second += f'base_url = "{standing.upstream.base_url("mygptassistants")}"'
        config = standing.config(tmp_path, "gptbots", extra=second)
        main = "THREADBRIDGE__UPSTREAMS__MAIN__"
        settings = {f"{main}BACKUP": "second", f"{main}ANNOUNCE_BACKUP": "true", f"{main}RETRIES": "0"}
        down = Fault("gptbots.*", "status", status=503, times=100)
        async with Program(("run", "--config", str(config)), settings) as program:
            await standing.listening(program)
            standing.upstream.faults.add(down)
            where = {name: place(platform, PLACES[name]) for name, platform in standing.platforms.items()}
            roots = {}
            for name, platform in standing.platforms.items():
                roots[name] = await platform.say(where[name], "@bot My name is Rosalind.")
            for name, platform in standing.platforms.items():
                [reply] = await replied(platform, where[name], lambda text: NOTE in text)
                assert "Nice to meet you, Rosalind" in reply
            standing.upstream.faults.clear()
            assert "is unavailable" in await program.said("its backup is asked")
            # three failures in a row leave main alone for a while: only a program that is started anew asks at once
            assert await program.stop() == 0
        async with Program(("run", "--config", str(config)), settings) as program:
            await standing.listening(program)
            for name, platform in standing.platforms.items():
                parent = roots[name] if name == "slack" else None
                await platform.say(where[name], "@bot What is my name?", parent=parent)
            for name, platform in standing.platforms.items():
                await replied(platform, where[name], "Your name is Rosalind.".__eq__)
            assert await program.stop() == 0
        kinds = [(one.kind, one.turns) for one in standing.upstream.conversations]
        assert sorted(kinds) == [("gptbots", 1)] * 3 + [("mygptassistants", 1)] * 3
        said = [said.text for one in standing.upstream.conversations for said in one.messages]
        assert not [text for text in said if NOTE in text]
