"""Samples in a terminal: which way it knows, and that what is written is the picture."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image

from ganforge.cli import terminal_picture as shown
from ganforge.codecs.plots import cell_of, grid


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "iTerm.app", "TMUX": "/tmp/tmux"}, "blocks"),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, None),
        ({"TERM": "dumb"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_variables(environment: dict[str, str], way: str | None):
    assert shown.way_of(environment, truecolor=True) == way
    if way == "blocks":
        assert shown.way_of(environment, truecolor=False) is None


def sheet(side: int = 16) -> Image.Image:
    colours = ["red", "lime", "blue", "white"] * 16
    return grid([Image.new("RGB", (side, side), colour) for colour in colours])


def test_half_blocks_are_two_pixels_each():
    image = Image.new("RGB", (2, 3), "red")
    image.putpixel((1, 1), (0, 0, 255))
    text = shown.draw(image, None, "blocks", 80)
    assert text.split("\n") == [
        "\x1b[38;2;255;0;0;48;2;255;0;0m▀\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m",
        "\x1b[38;2;255;0;0;49m▀\x1b[38;2;255;0;0;49m▀\x1b[0m",
    ]


@pytest.mark.parametrize(("side", "columns"), [(16, 80), (64, 80), (8, 40), (256, 60)])
def test_half_blocks_show_whole_samples_large_enough_to_be_seen(side: int, columns: int):
    lines = shown.draw(sheet(side), cell_of(side, side), "blocks", columns).split("\n")
    assert 5 <= len(lines) <= 20
    assert all(16 < line.count("▀") < columns for line in lines)
    found = re.findall(r"38;2;([\d;]+);4", lines[3])
    assert {"255;0;0", "0;255;0"} <= set(found)


def test_the_protocols_carry_the_picture():
    image = sheet(64)
    cell = cell_of(64, 64)
    kitty = shown.draw(image, cell, "kitty", 80)
    commands = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", kitty)
    assert commands[0][0].startswith("a=T,f=100,q=2,m=")
    assert all(len(data) <= 4096 for _, data in commands)
    assert commands[-1][0].endswith("m=0")
    png = base64.b64decode("".join(data for _, data in commands))
    assert Image.open(io.BytesIO(png)).getpixel((3, 3)) == (255, 0, 0)
    iterm = shown.draw(image, cell, "iterm", 80)
    data = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);[^:]*:(.*)\a", iterm)
    assert data is not None
    assert len(base64.b64decode(data[2])) == int(data[1])


def decoded(text: str) -> Image.Image:
    """What a terminal draws for sixels."""
    head = re.match(r'\x1bPq"1;1;(\d+);(\d+)', text)
    assert head is not None
    image = Image.new("RGB", (int(head[1]), int(head[2])))
    palette: dict[int, tuple[int, ...]] = {}
    x = y = colour = 0
    for token in re.findall(r"#\d+;2;\d+;\d+;\d+|#\d+|!\d+[?-~]|[?-~]|\$|-", text[head.end() : -2]):
        if ";" in token:
            number, _, *parts = map(int, token[1:].split(";"))
            palette[number] = tuple(round(part * 2.55) for part in parts)
        elif token[0] == "#":
            colour = int(token[1:])
        elif token == "$":
            x = 0
        elif token == "-":
            x, y = 0, y + 6
        else:
            times = int(token[1:-1]) if token[0] == "!" else 1
            bits = [bit for bit in range(6) if (ord(token[-1]) - 63) >> bit & 1]
            for across in range(times):
                for bit in bits:
                    image.putpixel((x + across, y + bit), palette[colour])
            x += times
    return image


def test_sixels_are_the_picture_again():
    gradient = Image.linear_gradient("L").resize((90, 50))
    image = Image.merge("RGB", (gradient, gradient.rotate(180), Image.new("L", (90, 50), 80)))
    again = decoded(shown.draw(image, None, "sixel", 80))
    assert again.size == image.size
    errors = [abs(a - b) for a, b in zip(image.tobytes(), again.tobytes(), strict=True)]
    assert sum(errors) / len(errors) < 8
