"""A template is refused when it is compiled if any path through it leaves an expression without one safe context."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mako.exceptions import MakoException
from rendering_readback import MARK, compiled, read_back, rendered, same

from generator.rendering import ContextError, RenderError, TemplateError
from generator.rendering.environment import render_template, sources

REFUSED = {
    "a branch that leaves a string open": (2, 'y = 1\n% if a:\ny = """b\n% endif\n'),
    "branches that open different strings": (1, '% if a:\ny = """b\n% else:\ny = \'\'\'b\n% endif\n${x}"""\n'),
    "a branch that opens a bracket": (2, "y = 1\n% if a:\ny = (\n% endif\n${x})\n"),
    "a branch of three": (1, "% if a:\ny = [\n% elif b:\ny = [\n% else:\ny = {\n% endif\n${x}\n"),
    "a loop whose body opens a bracket": (1, "% for b in a:\ny = (${b},\n% endfor\n"),
    "a loop whose body closes one": (2, "y = (\n% for b in a:\n)\n% endfor\n"),
    "a while whose body ends in a string": (1, '% while a:\ny = """\n% endwhile\n'),
    "a break inside a string": (1, '% for b in a:\n"""\n<% break %>\n"""\n% endfor\n'),
    "a return inside a string": (2, '"""\n<% return %>\n"""\n'),
    "a try that can fail in the middle": (2, '% try:\ny = "${x}"\n% except KeyError:\ny = 1\n% endtry\n'),
    "a try around a block": (2, '% try:\n<%block name="b">\ny = 1\n</%block>\n% except KeyError:\ny = 1\n% endtry\n'),
    "a handler that opens a bracket": (1, "% try:\ny = 1\n% except KeyError:\ny = (\n% endtry\n"),
    "a def that ends in a string": (1, '<%def name="b()">\ny = """\n</%def>\n'),
    "a block that ends in brackets": (1, '<%block name="b">\ny = (\n</%block>\n'),
    "a block inside a string": (2, '"""\n<%block name="b">\ny\n</%block>"""\n'),
    "a body inside brackets": (2, "y = (\n${next.body()}\n)\n"),
    "a body in the middle of a line": (1, "y = ${next.body()}\n"),
    "text after a body": (1, "${next.body()} + 1\n"),
    "an expression after a body": (1, "${next.body()} ${x}\n"),
    "a body inside an expression": (1, "${next.body() + x}\n"),
    "a body handed on": (1, "${len(next.body)}\n"),
    "a namespace handed on": (1, "${dir(self)}\n"),
    "a def called by a Python block": (4, '<%def name="b()">\ny\n</%def>\n<% b() %>\n'),
    "a def called by a control line": (4, '<%def name="b()">\ny\n</%def>\n% if b():\n% endif\n'),
    "an include inside brackets": (2, 'y = (\n<%include file="b.mako"/>\n)\n'),
    "an include by a computed name": (1, '<%include file="${x}.mako"/>\n'),
    "an inheritance by a computed name": (1, '<%inherit file="${x}.mako"/>\n'),
    "the end of the template in a string": (2, 'y = """\n${x}\n'),
    "the end of the template in brackets": (1, "y = [${x}\n"),
    "a bracket that closes another": (2, "y = [\n${x})\n"),
    "a filter": (1, "y = ${x | n}\n"),
    "filters of Mako": (1, 'y = "${x | h, trim}"\n'),
    "a filter for the page": (1, '<%page expression_filter="n"/>\ny = ${x}\n'),
    "a filter on text": (1, '<%text filter="trim">\ny\n</%text>\n'),
    "a filter on a def": (1, '<%def name="b()" filter="trim">\ny\n</%def>\n'),
    "a buffered def": (1, '<%def name="b()" buffered="True">\ny\n</%def>\n'),
    "a decorated def": (1, '<%def name="b()" decorator="c">\ny\n</%def>\n'),
    "a call with content": (1, '<%call expr="b()">\ny\n</%call>\n'),
    "a namespace of Python": (1, '<%namespace name="b" module="os"/>\n'),
    "names imported from a namespace": (1, '<%namespace file="b.mako" import="*"/>\n'),
    "Mako's writer in a block": (1, '<% context.write("y") %>\n'),
    "Mako's writer in an expression": (1, "${context.write('y')}\n"),
    "Mako's writer by a namespace": (1, "${self.context.write('y')}\n"),
    "a captured def": (1, "${capture(self.body)}\n"),
    "statements for an expression": (1, "${x = 1}\n"),
    "no expression": (1, "y = ${}\n"),
    "an expression after a backslash": (1, 'y = "\\${x}"\n'),
    "an expression after a backslash in a raw string": (1, 'y = r"\\${x}"\n'),
    "an expression inside an escape": (1, 'y = "\\x4${x}"\n'),
    "an expression inside a named escape": (1, 'y = "\\N{${x}}"\n'),
    "an expression after a short octal escape": (1, 'y = "\\0${x}"\n'),
    "an escape that Python does not know": (1, 'y = "\\xzz" + ${x}\n'),
    "an expression after a quote of its string": (1, 'y = """a"${x}"""\n'),
    "an expression that a string touches": (1, 'y = ${x}"a"\n'),
    "an expression that a prefix touches": (1, 'y = ${x}r"a"\n'),
    "a string that another touches": (1, 'y = "${x}""a"\n'),
    "an expression that touches a number": (1, "y = 1${x}\n"),
    "an expression after a string": (1, 'y = "a" ${x}\n'),
    "an expression after a name": (1, "y = a ${x}\n"),
    "an expression after another": (1, "y = ${x} ${x}\n"),
    "a name after an expression": (1, "y = ${x} a\n"),
    "a string after an expression": (1, 'y = ${x} "a"\n'),
    "a call after a branch": (3, "y = (${x}\n% if a:\n(1)\n% endif\n)\n"),
    "an expression as a conversion": (1, 'y = f"{a!${x}}"\n'),
    "a single brace in an f-string": (1, 'y = f"}${x}"\n'),
    "a backslash in a replacement field": (1, "y = f'{a[\"\\n${x}\"]}'\n"),
    "a comment in a replacement field": (1, 'y = f"""{a # ${x}\n}"""\n'),
    "the f-string's quote in its field": (1, 'y = f"{a["${x}"]}"\n'),
    "a line that ends in a string": (1, 'y = "a\n${x}"\n'),
    "a character that is not Python": (1, "y = ? ${x}\n"),
    "a control line inside a word": (2, "y = a\\\n% if a:\nb\n% endif\n"),
    "a control line inside a comment": (2, "# ${x} \\\n% if a:\nb\n% endif\n"),
    "a context that depends on the branch": (6, "f(\n% if a:\nclass\n% endif\n\n ${x})\n"),
    "a context that depends on the pass": (3, "f(a,\n% for b in a:\n${b}\nclass\n% endfor\n)\n"),
    "keywords that are part of a word": (1, "f(**a_${x})\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_template_is_refused_for(name: str) -> None:
    line, text = REFUSED[name]
    with pytest.raises(ContextError) as caught:
        compiled(text)
    assert str(caught.value).startswith(f"<template>:{line}: "), caught.value
    assert str(caught.value).endswith(".")


ACCEPTED = {
    "branches that end alike": "% if x:\ny = (\n% else:\nz = (\n% endif\n${x})\n",
    "branches inside a docstring": '"""A\n% if x:\n${x}\n% endif\n"""\n',
    "branches inside brackets": "y = f(\n% for a in [1, 2]:\n    ${x}=1,\n% endfor\n)\n".replace("${x}=1", "${x}"),
    "a loop with an else": "% for a in []:\ny = 1\n% else:\ny = ${x}\n% endfor\n",
    "a loop with a break": "% for a in [1, 2]:\n<% break %>\ny = 1\n% endfor\ny = ${x}\n",
    "a while": "<% n = [1] %>\n% while n:\ny = ${x}\n<% n.pop() %>\n% endwhile\n",
    "the loop variable": "% for a in [1]:\ny = ${x}, ${loop.index}\n% endfor\n",
    "a try around Python": "% try:\n<% a = {}[1] %>\n% except KeyError:\n<% a = x %>\n% endtry\ny = ${a}\n",
    "a with": "<%! from contextlib import nullcontext %>\n% with nullcontext(x) as a:\ny = ${a}\n% endwith\n",
    "a nested branch": "% if x:\n%   if x:\ny = ${x}\n%   endif\n% endif\n",
    "a def": '<%def name="b(a)">\ny = ${a}\n</%def>\n${b(x)}\n',
    "a block": '<%block name="b">\ny = ${x}\n</%block>\n',
    "a block in a class": 'class A:\n    <%block name="b">\n    y = ${x}\n    </%block>\n',
    "text as it is": "<%text>y = 1  # ${x}\n</%text>\nz = ${x}\n",
    "text inside a string": 'y = "<%text>$</%text>${x}"\n',
    "comments of the template": "## ${a} ' (\ny = ${x}\n<%doc>' ( ${a}</%doc>\n",
    "a consumed newline": "y = \\\n${x}\n",
    "a consumed newline inside a word": "y = f(a_\\\n${x}\\\n_b)\n",
    "a percent sign": "y = (5\n%% 3, ${x})\n",
    "a line that goes on": "y = <%text>\\</%text>\n  ${x}\n",
    "windows' newlines": "y = ${x}\r\n% if x:\r\nz = 1\r\n% endif\r\n",
    "a tuple without brackets": "y = ${x, x}\n",
    "an expression over lines": "y = ${[\n    x,  # why\n][0]}\n",
    "braces in an expression": "y = ${{'a': {x}}}\n",
    "a negative number to a power": "y = ${-1} ** 2, ${x}\n",
    "keyword arguments": "y = f(1, **${dict(a=x)})\n",
    "no keyword arguments": "y = f(1, **${{}}, b=${x})\n",
    "a dict unpacked": "y = {**${dict(a=x)}}\n",
    "soft keywords": "y = match(${x}), type, case, _\n",
    "a matrix product": "y = a @ ${x}\n",
    "an annotation": "def f(a: ${x} = ${x}) -> ${x}: pass\n",
    "a raise": "raise A from ${x}\n",
    "a lambda in a field": "y = f'{(lambda a: ${x})(1)}'\n",
    "a slice": "y = a[${x}:${x}]\n",
    "a dict": "y = {${x}: ${x}, 'b': ${x} if ${x} else ${x}}\n",
    "an f-string in a field": """y = f'''{f"{a}<${x}>"}'''\n""",
    "escapes before an expression": 'y = "\\n\\x41\\101\\N{DIGIT ONE}\\\\${x}"\n',
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_template_is_accepted_for(name: str) -> None:
    module = rendered(ACCEPTED[name], x="zq8")
    ast.parse(module)
    assert "zq8" in module


def test_a_loop_around_expressions_in_code_reads_back() -> None:
    assert read_back("y = f(\n% for a in (1, 2):\n    ${x},\n% endfor\n)\n", x="a'b") == ["a'b", "a'b"]


def test_a_power_keeps_its_operands() -> None:
    harmless = ast.dump(ast.parse("(-3) ** 2"))
    assert ast.dump(ast.parse(rendered("${x} ** 2\n", x=-3))) == harmless
    assert rendered("2 ** ${x}, ${x} ** 2\n", x=3) == "2 ** 3, 3 ** 2\n"


def test_keyword_arguments_are_written_as_such() -> None:
    assert rendered("y = f(a, **${x})\n", x={"b": "c", "d": (1,)}) == "y = f(a, b='c', d=(1,))\n"
    assert rendered("y = f(**${x}, a=1)\n", x={}) == "y = f(**{}, a=1)\n"


@pytest.mark.parametrize("value", [None, [], {"a b": 1}, {"class": 1}, {"": 1}, {1: 1}, {"a": object()}, {"a-b": 1}])
def test_keyword_arguments_refuse_what_is_none(value: object) -> None:
    with pytest.raises(RenderError, match="keyword arguments cannot hold"):
        rendered("y = f(**${x})\n", x=value)


def test_a_branch_without_a_block_is_mako_s_own_error() -> None:
    with pytest.raises(MakoException, match="No block for keyword 'else'"):
        compiled("% else:\ny = 1\n")


def test_defs_of_other_templates_keep_their_contexts(tmp_path: Path) -> None:
    (tmp_path / "base.mako").write_text(
        '<%namespace name="other" file="other.mako"/>\n# by ${x}\n${self.head("v")}\n<%include file="part.mako"/>\n'
        '<%block name="middle">\na = 1\n</%block>\n${next.body()}\n${other.tail(x)}\n'
    )
    (tmp_path / "other.mako").write_text("<%def name=\"tail(y)\">\nz = '${y}'\n</%def>\n")
    (tmp_path / "part.mako").write_text('p = "${x}"\n')
    (tmp_path / "child.mako").write_text(
        '<%inherit file="base.mako"/>\n<%! KNOWN = {"k": "note"} %>\n'
        '<%def name="head(y)">\n"""${x} ${y}"""\n</%def>\n<%block name="middle">\nb = ${self.attr.KNOWN}\n</%block>\nc = ${x}'
    )
    text = render_template("child.mako", directory=tmp_path, x='it\'s """')
    tree = ast.parse(text)
    assert "\n# by it's" in f"\n{text}"
    values = [ast.literal_eval(node.value) for node in tree.body]
    assert values == ['it\'s """ v', 'it\'s """', {"k": "note"}, 'it\'s """', 'it\'s """']
    data = sources("child.mako", directory=tmp_path)
    assert all(name.encode() in data for name in ("child.mako", "base.mako", "other.mako", "part.mako"))


def test_sources_change_with_every_template_that_is_used(tmp_path: Path) -> None:
    (tmp_path / "base.mako").write_text("a\n")
    (tmp_path / "child.mako").write_text('<%inherit file="base.mako"/>\n')
    before = sources("child.mako", directory=tmp_path)
    (tmp_path / "base.mako").write_text("b\n")
    assert sources("child.mako", directory=tmp_path) != before
    (tmp_path / "base.mako").unlink()
    with pytest.raises(TemplateError, match=r"base\.mako: cannot be read"):
        sources("child.mako", directory=tmp_path)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKILLMATRIX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("y = 1\ny = a.${x}\n", RenderError, r"broken\.mako:2: \$\{x\} is 'class', which an identifier cannot hold"),
        ("y = 1\n\ny = ${x.nothing}\n", RenderError, r"broken\.mako:3: an expression failed with AttributeError"),
        ("y = ${missing}\n", RenderError, r"broken\.mako:\d: an expression failed with NameError: 'missing'"),
        ('y = 1\ny = "${x}\n', ContextError, r"broken\.mako:2: the line ends inside a string"),
        ("y = 1\n% if x:\n", TemplateError, r"broken\.mako: Unterminated control keyword: 'if'"),
        ("y = 1\n${x +}\n", TemplateError, r"broken\.mako: .*invalid syntax"),
    ],
)
def test_what_fails_names_the_line_and_a_file_with_mako_s_traceback(
    tmp_path: Path, cache: Path, text: str, error: type[TemplateError], says: str
) -> None:
    (tmp_path / "broken.mako").write_text(text)
    with pytest.raises(error, match=says) as caught:
        render_template("broken.mako", directory=tmp_path, x="class")
    (report,) = (cache / "errors").iterdir()
    assert str(caught.value).endswith(f"Template traceback: {report}")
    assert "broken.mako" in report.read_text()


def test_a_cache_that_cannot_be_written_hides_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SKILLMATRIX_CACHE", str(tmp_path / "file"))
    (tmp_path / "broken.mako").write_text("y = a.${x}\n")
    with pytest.raises(RenderError, match="cannot hold") as caught:
        render_template("broken.mako", directory=tmp_path, x="class")
    report = Path(str(caught.value).rpartition("Template traceback: ")[2])
    assert "broken.mako" in report.read_text()
    report.unlink()


def test_a_template_that_is_missing_is_an_error(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(TemplateError, match=r"nowhere\.mako"):
        render_template("nowhere.mako", directory=tmp_path)


PIECES = (
    *("a", " ", " b ", "1", "0x1", "1.", '"', "'", '"""', "'''", 'f"', "f'''", "rb'", 'r"', "{", "}", "{{", "}}"),
    *(
        "(",
        ")",
        "[",
        "]",
        ", ",
        ".",
        ":",
        ": ",
        "\n",
        "\n    ",
        "# ",
        "\\",
        "\\n",
        "\\x4",
        "\\1",
        "\\N{DASH}",
        "**",
        "*",
        "@",
    ),
    *(
        "-",
        " + ",
        "!r",
        "class ",
        "def ",
        "import ",
        "from ",
        " as ",
        "for ",
        " in ",
        "lambda ",
        "return ",
        " if ",
        "; ",
        "...",
    ),
    *(
        "\n% if True:\n",
        "\n% else:\n",
        "\n% endif\n",
        "\n% for _ in (1, 2):\n",
        "\n% endfor\n",
        "<% b = 1 %>",
        "\n## c\n",
    ),
)
AROUND = (
    *(
        "y = {}\n",
        "f({})\n",
        "y = [\n{}\n]\n",
        "{} = 1\n",
        "{}\n",
        "# {}\n",
        "class A({}): pass\n",
        "@{}\ndef f(): pass\n",
    ),
    *(
        'y = "{}"\n',
        "y = f'{}'\n",
        'y = f"{{{}}}"\n',
        'y = """{}"""\n',
        "y = r'{}'\n",
        'y = f"""{{z:{}}}"""\n',
        "y = b'{}'\n",
    ),
    *("import {}\n", "from a import {}\n", "for {} in z: pass\n", "y = lambda {}: 1\n", "def f({}): pass\n"),
)
SHARP = st.sampled_from(
    [
        *(
            "",
            "a-b",
            "class",
            "0",
            "if",
            "f",
            "rb",
            '"',
            "'",
            '"""',
            "'''",
            "\\",
            "{",
            "}",
            "{a}",
            "\n",
            "\r",
            "#",
            "(",
            ")",
        ),
        *(
            "');y=('",
            "\0",
            "\ud800",
            "é",
            "e\u0301",
            5,
            -5,
            1.5,
            math.nan,
            None,
            True,
            b'\xff"',
            (1,),
            [],
            {},
            {1},
            {"a": -1},
        ),
    ]
)


@settings(max_examples=300)
@given(
    before=st.lists(st.sampled_from(PIECES), max_size=3).map("".join),
    after=st.lists(st.sampled_from(PIECES), max_size=3).map("".join),
    around=st.sampled_from(AROUND),
    values=st.lists(SHARP, min_size=1, max_size=8),
)
def test_any_template_is_refused_or_keeps_every_value_in_its_context(
    before: str, after: str, around: str, values: list[Any]
) -> None:
    text = around.format(f"{before}${{x}}{after}")
    try:
        template = compiled.__wrapped__(text)
    except (ContextError, MakoException):
        return
    try:
        ast.parse(template.render_unicode(x=MARK))
    except (SyntaxError, RenderError):
        return  # no value makes this one Python
    for value in values:
        if value == "" and re.search("[fF]", text):
            continue  # an empty part of an f-string has no node in the tree
        try:
            found = read_back(text, x=value)
        except RenderError:
            continue
        expected = [
            value,
            str(value),
            repr(value),
            str(value).replace("-", "_"),
            str(value).encode("utf-8", "surrogatepass"),
        ]
        assert all(any(same(item, one) for one in expected) for item in found), (text, value, found)
