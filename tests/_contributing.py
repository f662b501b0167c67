"""The examples of CONTRIBUTING.md, which tests run."""

import re
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(opening: str) -> str:
    """The Python file of CONTRIBUTING.md whose docstring begins with these words."""
    (text,) = [text for text in re.findall(r"```python\n(.*?)```", TEXT, re.S) if text.startswith(f'"""{opening}')]
    return text
