"""Foreign text stays words: it makes no table, markup, link or HTML, in any place where a report puts it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reporting.markdown import LIMIT, Markdown, code, plain, table, text

RENDERER = MarkdownIt("gfm-like", {"linkify": False, "html": True})

HOSTILE = st.one_of(
    st.text(st.characters(categories=None), max_size=40),
    st.text("|`\\*_[]()<>!#&~$\n\r\t -+=.:1a/@\x1b\u2028\ud800", max_size=30),
    st.sampled_from(
        [
            "a | b",
            "\\| c",
            "```\ncode",
            "</details><script>alert(1)</script>",
            "[x](javascript:alert(1))",
            "![x](http://e)",
            "https://example.org www.example.org a@example.org mailto:a@b.c",
            "\x1b[31mred\x1b[0m \x1b]8;;http://e\x07link\x1b]8;;\x07",
            "# heading",
            "1. one",
            "- one",
            "---",
            "&lt;b&gt; &#60;i&#62;",
            "_em_ __strong__ *em* ~~gone~~ $x$",
            "\u202eevil",
            "a\x00b",
            "| --- |",
        ]
    ),
)


def kinds(source: str) -> list[str]:
    """Types of all tokens, those inside of lines too."""
    found = []
    for token in RENDERER.parse(source):
        found.append(token.type)
        found += [child.type for child in token.children or ()]
    return [kind for kind in found if kind not in {"text", "text_special"}]


PLACES = {
    "cell": lambda words: str(table(["a", words], [[words, "x"], ["y", words]])),
    "item": lambda words: f"- {text(words)}\n- x\n",
    "sentence": lambda words: f"\nSaid **failed** on {text(words)}: {text(words)}\n",
    "summary": lambda words: f"<details>\n<summary>{text(words)}</summary>\n\nx\n\n</details>\n",
}


@pytest.mark.parametrize("place", PLACES)
@given(words=HOSTILE)
@example(words="&#45; x")
@example(words="")
def test_text_never_changes_the_structure_around_it(place: str, words: str) -> None:
    source = PLACES[place](words)
    source.encode()
    assert kinds(source) == kinds(PLACES[place]("harmless"))


@given(words=HOSTILE)
def test_text_is_read_back_as_the_words_put_in(words: str) -> None:
    tokens = RENDERER.parse(f"x {text(words)}")
    shown = "".join(child.content for child in tokens[1].children or ())
    assert shown == ("x " + (plain(words) or "—"))


@given(words=HOSTILE)
def test_summaries_hold_no_markup_for_a_browser_either(words: str) -> None:
    assert not set(text(words)) & set("<>\n|`")


@given(words=HOSTILE)
def test_code_is_one_code_span_or_plain_words(words: str) -> None:
    assert kinds(f"x {code(words)}") in (kinds("x `a`"), kinds("x a"))


@given(words=st.text(st.characters(categories=None), max_size=400))
def test_nothing_invisible_and_nothing_long_is_left(words: str) -> None:
    shown = plain(words)
    assert len(shown) <= LIMIT
    assert not [mark for mark in shown if unicodedata.category(mark) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def test_ansi_sequences_go_as_a_whole() -> None:
    assert plain("\x1b[1;31mred\x1b[0m and \x1b]8;;http://e\x07text") == "red and text"


def test_identifiers_stay_readable_in_the_source() -> None:
    assert text("rel_l2 of GPTJForCausalLM.logits is 0.3") == "rel_l2 of GPTJForCausalLM.logits is 0.3"
    assert code("gptj/GPTJModel/cpu/fp32/round_trip") == "`gptj/GPTJModel/cpu/fp32/round_trip`"
    assert text("3.11.9") == "3.11.9"


def test_markdown_is_not_escaped_again() -> None:
    assert text(Markdown("**a**")) == "**a**"
    assert text(f"{Markdown('**a**')}") != "**a**"


def test_whole_numbers_are_set_right_and_others_left() -> None:
    assert table(["a", "n"], [["x", 1], ["y", 22]]).splitlines()[1] == "| --- | ---: |"
