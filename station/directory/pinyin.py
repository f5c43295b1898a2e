"""What is proposed as the pinyin of names of people and places; an administrator may write something else."""

from __future__ import annotations

from station.base.traditional import simplify
from station.directory.model import surname_of

# Surnames that are read otherwise than the sign is elsewhere, after 现代汉语词典 (7th edition); lü is written lyu, as
# GB/T 28039-2011 has it for names.
_READINGS = (
    "单=shan 仇=qiu 解=xie 区=ou 曾=zeng 查=zha 盖=ge 任=ren 缪=miao 朴=piao 翟=zhai 覃=qin 冼=xian 宓=mi "
    "员=yun 折=she 黑=he 秘=bi 乐=yue 召=shao 种=chong 繁=po 逄=pang 乜=nie 盛=sheng 訾=zi 尉=wei 哈=ha 那=na "
    "洗=xian 万俟=moqi 尉迟=yuchi 澹台=tantai 鲜于=xianyu 单于=chanyu 长孙=zhangsun 令狐=linghu 亓官=qiguan "
    "颛孙=zhuansun 呼延=huyan 夏侯=xiahou 宰父=zaifu 谷梁=guliang 褚=chu 晁=chao 卜=bu 佴=nai 隗=wei 郇=xun "
    "郗=xi 郄=qie 曲=qu 葛=ge 华=hua 应=ying 宁=ning 石=shi 沈=shen 重=chong 都=du 瞿=qu 车=che 俞=yu 於=yu "
    "幺=yao 撒=sa"
)
_SURNAMES = dict(pair.split("=", 1) for pair in _READINGS.split())


def propose_syllables(name: str) -> str:
    """`lin xiu lan` for 林秀兰: the surname in one word, then sign for sign; "" where nothing can be read out."""
    plain = simplify(name).replace("·", "").replace(" ", "")
    surname = surname_of(plain)
    given = [_as_in_names(part) for part in _read(plain[len(surname) :])]
    first = _SURNAMES.get(surname) or "".join(_as_in_names(part) for part in _read(surname))
    return " ".join(part for part in (first, *given) if part)


def spell_place(name: str) -> tuple[str, str]:
    """The letters of a place's name and its initials, for searching: `liuyinxincun`, `lyxc`; ü is v there."""
    parts = _read(name)
    return "".join(parts)[:200], "".join(part[0] for part in parts)[:60]


def _read(text: str) -> list[str]:
    from pypinyin import lazy_pinyin  # noqa: PLC0415  its dictionary takes 20 MB, and only who edits needs it

    read = (part.lower().replace("ü", "v") for part in lazy_pinyin(text))
    return [part for part in read if part.isascii() and part.isalnum()]


def _as_in_names(part: str) -> str:
    return f"{part[0]}yu{part[2:]}" if part[:2] in ("lv", "nv") else part
