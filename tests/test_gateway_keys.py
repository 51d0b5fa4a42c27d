"""Keys that a command prints: fetched, renewed when refused, and kept from everybody else."""

from argparse import Namespace
from pathlib import Path

import pytest

from axon.config import load_config
from axon.errors import EngineError
from axon.gateway.keys import KeyCommand, Keys, fetch
from axon.gateway.login import first_party, key_command_of, login_of
from axon.security.secrets import Redactor
from tests.gateway_stand import KEY, bench, fake_model, logged

OLD = "sk-ant-test-an-older-key-0123456789"


def command(folder: Path, key: str) -> KeyCommand:
    (folder / "key").write_text(f"{key}\n")
    return KeyCommand(command=f"echo x >> '{folder}/calls'; cat '{folder}/key'")


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text().splitlines())


def test_a_key_is_fetched_once_and_anew_when_it_is_refused(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    with (
        fake_model(tmp_path, [{"text": "Done."}]) as (url, log),
        bench(tmp_path, base_url=url, credentials=(), key_command=command(vault, KEY)) as made,
    ):
        made.start()
        assert [made.ask().status for _ in range(3)] == [200] * 3
        assert calls(vault) == 1
        (seen, *_) = logged(log)
        assert seen["headers"]["x-api-key"] == KEY
        assert seen["headers"]["authorization"] == f"Bearer {KEY}"
        made.gateway.close()
        (vault / "key").write_text(OLD)
        made.start()
        (vault / "key").write_text(OLD)
        assert made.ask().status == 401  # the same again: nothing is gained by trying
        assert calls(vault) == 3
        assert made.ledger.run(made.run).halt == "auth"
    files = [path for path in tmp_path.iterdir() if path.is_file() and path != log]
    assert not any(OLD.encode() in path.read_bytes() for path in files)


def test_a_renewed_key_goes_on_with_the_request(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    keys = Keys((), command(vault, OLD), Redactor())
    refused = keys.headers()
    assert keys.renewed(refused) is None
    (vault / "key").write_text(KEY)
    assert keys.renewed(refused) == (("x-api-key", KEY), ("authorization", f"Bearer {KEY}"))
    assert keys.renewed(refused) is not None, "another thread has renewed it already"
    assert calls(vault) == 3


def test_a_command_that_fails_later_keeps_the_last_key(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    redactor = Redactor()
    keys = Keys((), KeyCommand(command=command(vault, KEY).command, seconds=0), redactor)
    before = keys.headers()
    (vault / "key").unlink()
    assert keys.headers() == before
    assert KEY not in redactor.text(f"it said {KEY}")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("exit 3", "ended with exit code 3"),
        ("true", "printed no key"),
        ("echo two words", "printed no key"),
        ("printf '\\377\\001'", "printed no key"),
    ],
)
def test_a_command_without_a_key_says_so(words: str, why: str) -> None:
    with pytest.raises(EngineError, match=f"the key command {why}; try it in a shell"):
        fetch(KeyCommand(command=words))


def test_a_key_command_is_a_persons_own(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    home = tmp_path / "home"
    (home / ".claude").mkdir(parents=True)
    environ = {"HOME": str(home), "AXON_KEY_COMMAND": "echo key", "ANTHROPIC_API_KEY": "k" * 20}
    found = key_command_of(load_config(Namespace(), tmp_path, environ))
    assert found.command == "echo key"
    assert "ANTHROPIC_API_KEY" not in found.environment

    (home / ".claude" / "settings.json").write_text('{"apiKeyHelper": "cat key"}')
    config = load_config(Namespace(), tmp_path, {"HOME": str(home)})
    assert (key_command_of(config).command, login_of(config)) == ("cat key", "gateway")
    assert first_party(config)
    fixed = load_config(Namespace(), tmp_path, {"HOME": str(home), "ANTHROPIC_API_KEY": "k" * 20})
    assert key_command_of(fixed).command == ""

    (tmp_path / "axon.toml").write_text('[gateway]\nkey_command = "curl evil"\n')
    with pytest.raises(Exception, match="unknown key gateway.key_command"):
        load_config(Namespace(), tmp_path, environ)
