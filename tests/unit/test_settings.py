"""The environment is read once, and complaints are sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from livecommerce.settings import BadSetting, environment_of, read_settings


def test_defaults_need_no_environment() -> None:
    settings = read_settings({})
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.sql_url == "sqlite+aiosqlite:///.data/livecommerce.sqlite"


def test_variables_are_named_like_the_fields_and_empty_ones_do_not_count() -> None:
    settings = read_settings({"PORT": "9000", "DATA_DIR": "/data", "DEMO": "1", "REDIS_URL": ""})
    assert (settings.port, settings.data_dir, settings.demo, settings.redis_url) == (
        9000,
        Path("/data"),
        True,
        "",
    )


@pytest.mark.parametrize(
    "environ", [{}, {"DEMO": "1", "PORT": "9000", "RATES": "/etc/rates.toml", "ARCHIVE_HOURS": "1.5"}]
)
def test_a_child_process_reads_the_same_settings(environ: dict[str, str]) -> None:
    settings = read_settings(environ)
    assert read_settings(environment_of(settings)) == settings


def test_a_value_of_the_wrong_kind_is_named() -> None:
    with pytest.raises(BadSetting, match="port"):
        read_settings({"PORT": "eight thousand"})


def test_an_account_at_wechat_pay_is_complete_or_refused_by_name() -> None:
    with pytest.raises(BadSetting, match="WECHAT_PUBLIC_KEY_ID"):
        read_settings({"WECHAT_MERCHANT": "1900000109", "WECHAT_APP": "wx1"})


def test_the_sandbox_is_served_only_where_nobody_else_takes_the_money() -> None:
    assert read_settings({}).serves_sandbox
    assert not read_settings({"PAYMENT_URL": "http://127.0.0.1:9"}).serves_sandbox
