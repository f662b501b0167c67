"""The worst words stay out of docstrings, comments, texts and prose. Each has a better one beside it.

Names in code are not checked. Neither are the strings of the upgraders, which are names in results of earlier schemas.
"""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROSE = ("README.md", "METHODOLOGY.md", "BIAS.md", "CONTRIBUTING.md", "results/README.md")
FILES = sorted(
    [path for room in ("bench", "servers") for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".j2", ".md")]
    + [ROOT / name for name in PROSE]
)
EARLIER_NAMES = "bench/results/_upgrades/"

# word as a regular expression, the better one
BETTER = {
    "whoever|whomever": "name the actor: a subscriber that, a process that",
    "everybody|everyone": "all subscribers, all processes",
    "nobody": "no subscriber, no process",
    "somebody|someone|anybody|anyone": "a subscriber, a process",
    "struck( out)?|strikes? (a|the) trial out": "invalid",
    "taken again|retake|retakes|retaken": "retried, a retry",
    "plant|plants|planted|planting": "injected, an injection",
    "told": "reported, signalled, distinguished",
    "unsaid": "not signalled",
    "so many|so much": "this number of, this amount of",
    "lag|lags|lagging": "delay",
    "gives? way|gave way": "failed, was saturated",
    "now and then": "sometimes",
}
# the same in texts alone: a docstring may need a percentage
IN_TEXTS = {r"9[09][ \u00a0]%(?! (interval|busy|of (a|its|the) ))": "p90, p99"}


def where(path):
    return path.relative_to(ROOT).as_posix()


def with_better_words(text, words):
    """(word, better) of every word in a line that has a better one."""
    return [
        (match.group(), better)
        for word, better in words.items()
        for match in re.finditer(rf"(?<![\w-])({word})(?![\w-])", text, re.IGNORECASE)
    ]


def python_lines(source):
    """(line number, line, whether it is a text) of every docstring, comment and string constant."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string, False
    for parent in ast.walk(ast.parse(source)):
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for offset, line in enumerate(node.value.splitlines()):
                    yield node.lineno + offset, line, not isinstance(parent, ast.Expr)


def prose_lines(source):
    """(line number, line, True) of a page or a template, without the names in the tags of a template."""
    without_tags = re.sub(r"\{[{%].*?[%}]\}", lambda tag: "\n" * tag.group().count("\n"), source, flags=re.DOTALL)
    return [(number, line, True) for number, line in enumerate(without_tags.splitlines(), 1)]


def worst_words(name, source):
    """`file:line: word; better: ...` for every such word in a file."""
    lines = python_lines(source) if name.endswith(".py") else prose_lines(source)
    return sorted(
        f"{name}:{number}: '{word}'; better: {better}"
        for number, line, is_text in lines
        if not (is_text and name.startswith(EARLIER_NAMES))
        for word, better in with_better_words(line, {**BETTER, **IN_TEXTS} if is_text else BETTER)
    )


@pytest.mark.parametrize("path", FILES, ids=where)
def test_no_text_has_a_word_for_which_there_is_a_better_one(path):
    assert worst_words(where(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('"""What nobody reads."""\n', ["nobody"]),
        ("# a retake\n", ["retake"]),
        ('x = f"{count} lag at 99\N{NO-BREAK SPACE}%"\n', ["lag", "99\N{NO-BREAK SPACE}%"]),
        ('def f():\n    """At 99 % of that."""\n', []),
        ('def f():\n    """Of\n    so many."""\n', ["so many"]),
        ("told = retake(nobody=1)\n", []),
        ('x = "flag, planted-by"\n', []),
    ],
)
def test_docstrings_comments_and_texts_are_checked_and_names_are_not(source, words):
    assert [line.split("'")[1] for line in worst_words("a.py", source)] == sorted(words)


def test_a_message_names_the_file_the_line_the_word_and_the_better_word():
    (message,) = worst_words("page.md", "A page.\n\nTold twice.\n")
    assert message == "page.md:3: 'Told'; better: reported, signalled, distinguished"


def test_a_template_is_checked_without_its_tags():
    assert worst_words("a.j2", "{% for told in nobody %}{{ told }}\n{% endfor %} plants\n") == [
        "a.j2:2: 'plants'; better: injected, an injection"
    ]


def test_names_of_earlier_schemas_are_free_in_the_upgraders_and_their_docstrings_are_not():
    source = '"""A retake."""\nOLD = {"retakes": "nobody"}\n'
    assert len(worst_words(EARLIER_NAMES + "_to_3.py", source)) == 1
