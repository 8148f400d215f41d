"""Write docs/images/tour.svg from a real run of the program: `python tools/screenshot.py`."""

import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from terminal import Terminal

IMAGE = Path(__file__).parent.parent / "docs" / "images" / "tour.svg"
COLUMNS = 100
_AGENT = ".claude/agents/python-engineer.md"
_TOUR = (
    'agentpack install "python-engineer==1.0.0"',
    f"sed -i 's/for structured logs/for logs in JSON/' {_AGENT}",
    "agentpack diff",
    "sed -i 's/==1.0.0/>=1,<3/' agentpack.yaml",
    "agentpack upgrade --yes",
    f"grep structlog {_AGENT}",
)
_DARK, _LIGHT, _GREY, _WHITE = (27, 31, 40), (222, 226, 234), (130, 138, 152), (255, 255, 255)
_COLORS = [(240, 113, 120), (140, 200, 120), (230, 190, 100), (110, 165, 240), (200, 140, 220), (100, 200, 210)]
_THEME = TerminalTheme(_DARK, _LIGHT, [_DARK, *_COLORS, _LIGHT], [_GREY, *_COLORS, _WHITE])
# A terminal with its own background is read on a light page and on a dark one. No font is fetched from anywhere.
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>A session in a terminal: install a persona, edit it, look at the difference, upgrade with the edit kept</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
  <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def recording(folder: Path) -> str:
    """The SVG of the tour, run below a folder that is empty."""
    terminal = Terminal(folder, columns=COLUMNS, color=True)
    terminal.run("git init --quiet weather && cd weather")
    console = Console(record=True, width=COLUMNS, file=(folder / "console").open("w"), force_terminal=True)
    with console.file:
        for number, command in enumerate(_TOUR):
            if number:
                console.print()
            console.print(Text.assemble(("$ ", "green"), (command, "bold")), soft_wrap=True)
            shown = terminal.run(command).text.rstrip()
            if shown:
                console.print(Text.from_ansi(shown))
        return console.export_svg(title="agentpack", theme=_THEME, code_format=_FORMAT, unique_id="tour")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        text = recording(Path(work))
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    IMAGE.write_text(text, encoding="utf-8")
