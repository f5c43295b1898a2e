"""What strangers must not read is taken out."""

from __future__ import annotations

import pytest

from station.cases.privacy import mask_personal

SECRETS = [
    ("我的电话13800001234，请回", "13800001234"),
    ("电话 138 0000 1234", "138 0000 1234"),
    ("电话１３８００００１２３４", "１３８００００１２３４"),
    ("+86 138-0000-1234 找我", "138-0000-1234"),
    ("座机 010-88001234", "010-88001234"),
    ("座机 (010) 8800 1234", "8800 1234"),
    ("身份证 11010519491231002X 的人", "11010519491231002X"),
    ("身份证110105194912310021", "110105194912310021"),
    ("邮箱 zhao.yumei@example.com 收", "zhao.yumei@example.com"),
    ("卡号 6222 0200 0001 2345 678", "6222 0200"),
    ("住 7 号楼 2 单元 301 室", "301"),
    ("住7-2-301", "7-2-301"),
    ("微信号：zhao_yumei88", "zhao_yumei88"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_personal_data_is_taken_out(text: str, secret: str) -> None:
    """Phones, identity numbers, accounts, mail and doors do not come through, in full-width digits neither."""
    clean = mask_personal(text)
    assert secret not in clean and "〔" in clean


def test_names_become_somebody() -> None:
    """The asker's name becomes the family name and 某; other words stay."""
    assert mask_personal("赵玉梅说路灯不亮", "赵玉梅") == "赵某说路灯不亮"


@pytest.mark.parametrize(
    "text",
    [
        "7 号楼加装电梯，一楼采光怎么补偿",
        "12 盏路灯已在 10月8日换好",
        "清和〔2026〕0417 号",
        "投资 1200 万元，2026 年完成",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    """Numbers that are nobody's stay as they are."""
    assert mask_personal(text) == text


def test_an_empty_name_hides_nothing() -> None:
    """A case without a citizen has an empty name, and its text stays whole."""
    assert mask_personal("路灯不亮", "") == "路灯不亮"
