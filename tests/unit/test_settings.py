"""Settings come from the environment, agree with .env.example, and never show a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"


def example_lines() -> dict[str, str]:
    found = {}
    for line in EXAMPLE.read_text("utf-8").splitlines():
        name, equals, value = line.removeprefix("#").strip().partition("=")
        if equals and name.isidentifier():
            assert name not in found, f"{name} stands twice"
            found[name] = value
    return found


def test_the_example_names_every_setting_and_no_other() -> None:
    assert set(example_lines()) == {name.upper() for name in Settings.model_fields}


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    filled = tmp_path / "env"
    filled.write_text("\n".join(f"{k}={v}" for k, v in example_lines().items()), "utf-8")
    assert load(filled) == load(None)


def test_every_setting_is_explained_in_both_languages() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.removeprefix("# ").partition("=")[0] in example_lines():
            chinese, english = lines[number - 2 : number]
            assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese), line
            assert english.startswith("# "), line
            assert english.isascii(), line


def test_nothing_set_means_a_local_trial() -> None:
    settings = load(None)
    assert settings.bot_token.get_secret_value() == ""
    assert settings.database_url == "sqlite:///data/suda.db"
    assert settings.admin_ids == ()


def test_the_environment_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = tmp_path / "env"
    filled.write_text("ADMIN_IDS=1, 2，3\nOPERATOR_NAME=甲局\nUNKNOWN=x\n", "utf-8")
    monkeypatch.setenv("OPERATOR_NAME", "乙局")
    settings = load(filled)
    assert settings.admin_ids == (1, 2, 3)
    assert settings.operator_name == "乙局"


def test_the_data_folder_carries_database_and_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "elsewhere")
    settings = load(None)
    assert settings.database_url == "sqlite:///elsewhere/suda.db"
    assert settings.key_file == Path("elsewhere/keyring.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOT_TOKEN", "hunter2-hunter2"),
        ("DATABASE_URL", "mysql://root:hunter2@db/suda"),
        ("WEBHOOK_SECRET", "hunter2 with spaces"),
        ("ADMIN_IDS", "hunter2"),
        ("SEND_PER_SECOND", "0"),
        ("SANDBOX_PORT", "70000"),
        ("LOG_LEVEL", "LOUD"),
        ("API_BASE_URL", "api.telegram.org"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_kept_back(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load(None)
    assert str(caught.value).startswith(f"{name}: ")
    assert "hunter2" not in str(caught.value)


def test_a_webhook_needs_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_URL", "https://example.org/hook")
    with pytest.raises(SettingsError, match="WEBHOOK_SECRET"):
        load(None)


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "123:hunter2")
    monkeypatch.setenv("WEBHOOK_SECRET", "hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://suda:hunter2@db/suda")
    monkeypatch.setenv("PROXY_URL", "http://u:hunter2@proxy:1")
    assert "hunter2" not in repr(load(None))


def test_settings_do_not_change_under_way() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(None).region = "elsewhere"
