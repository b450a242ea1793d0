"""The page at ``/``: a form and the picture that it asks for. It needs no network and stores nothing."""

from __future__ import annotations

import base64
import hashlib
import html

from ganforge.core.space import Space
from ganforge.runs.translator import Translator
from ganforge.shipping.limits import Limits
from ganforge.shipping.posting import CONDITION_FIELDS

__all__ = ["page", "translating_page"]

_SEND = """
const form = document.querySelector("form"), image = document.querySelector("img"),
      output = document.querySelector("output");
async function send(path, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = "Bearer " + token;
  output.value = "…";
  const began = performance.now();
  try {
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) { output.value = (await answer.json()).error; return; }
    const old = image.src;
    image.src = URL.createObjectURL(await answer.blob());
    if (old) URL.revokeObjectURL(old);
    output.value = Math.round(performance.now() - began) + " ms";
  } catch (error) { output.value = "the service does not answer"; }
}
form.addEventListener("submit", event => { event.preventDefault(); ask(); });
""".lstrip()

_SAMPLE = """
function ask() {
  const given = new FormData(form), body = { seed: +given.get("seed"), n: +given.get("n"),
    truncation: +given.get("truncation"), grid: true };
  if (given.get("class")) body.class = given.get("class");
  send("sample", body, given.get("token"));
}
form.addEventListener("change", ask);
if (!form.elements.token) ask();
""".strip()

_TRANSLATE = """
async function ask() {
  const given = new FormData(form), file = given.get("picture");
  if (!file.size) { output.value = "choose a picture"; return; }
  const read = new FileReader(), body = {};
  await new Promise(done => { read.onload = done; read.readAsDataURL(file); });
  body.picture = read.result.split(",")[1];
  if (given.get("condition")) body[form.elements.condition.dataset.name] = given.get("condition");
  if (given.get("back")) body.back = true;
  send("translate", body, given.get("token"));
}
""".strip()

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
form { display: flex; flex-wrap: wrap; gap: .75rem 1.25rem; align-items: end; margin: 1rem 0 }
label { display: grid; gap: .15rem; font-size: .875rem }
input, select, button { font: inherit; padding: .3rem .5rem; max-width: 11rem }
img { max-width: 100%; image-rendering: pixelated; background: #8882; min-height: 4rem }
output { display: block; min-height: 1.5em; font-size: .875rem }
""".strip()


def page(name: str, space: Space, conditions: int, limits: Limits, *, needs_token: bool) -> tuple[str, str]:
    """The page, and the policy that lets a browser run its own script and nothing else."""
    most = min(limits.samples, max(1, limits.numbers // space.size), 64)
    fields = [
        f'<label>seed<input name="seed" type="number" min="0" value="0"></label>'
        f'<label>samples<input name="n" type="number" min="1" max="{most}" value="{min(16, most)}"></label>'
        '<label>truncation<input name="truncation" type="number" min="0" max="1" step="0.05" value="1">'
        "</label>"
    ]
    if conditions:
        options = "".join(f"<option>{html.escape(one)}</option>" for one in space.classes)
        fields.append(
            f'<label>class<select name="class"><option value="">in turn</option>{options}</select></label>'
        )
    words = f"A generator of {html.escape(space.describe())}."
    return _page(name, words, "sample", fields, "make", _SEND + _SAMPLE, needs_token)


def translating_page(name: str, translator: Translator, *, needs_token: bool) -> tuple[str, str]:
    """The same for a model that translates: a picture is chosen and sent."""
    fields = ['<label>picture<input name="picture" type="file" accept="image/png,image/jpeg"></label>']
    asks = translator.asks
    if asks is not None:
        key = CONDITION_FIELDS[asks.kind]
        options = "".join(f"<option>{html.escape(one)}</option>" for one in asks.names)
        fields.append(
            f'<label>{key}<select name="condition" data-name="{key}">{options}</select></label>'
            if asks.kind == "class"
            else f'<label>{key}<input name="condition" data-name="{key}"></label>'
        )
    if translator.goes_back:
        fields.append('<label>the way back<input name="back" type="checkbox"></label>')
    spaces = [html.escape(space.describe()) for space in (translator.source, translator.space)]
    words = f"A translator from {spaces[0]} to {spaces[1]}, and for other sizes too."
    return _page(name, words, "translate", fields, "translate", _SEND + _TRANSLATE, needs_token)


def _page(
    name: str, words: str, path: str, fields: list[str], button: str, script: str, needs_token: bool
) -> tuple[str, str]:
    if needs_token:
        fields.append('<label>token<input name="token" type="password" autocomplete="off"></label>')
    title = html.escape(name)
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style>"
        f"<h1>{title}</h1><p>{words} "
        f'For programs: <code>POST /{path}</code>, described in <a href="openapi.json">openapi.json</a>.</p>'
        f"<form>{''.join(fields)}<button>{button}</button></form>"
        f'<img alt="samples"><output></output><script>{script}</script></html>'
    )
    policy = (
        f"default-src 'none'; connect-src 'self'; img-src 'self' blob:; style-src {_hash(_STYLE)}; "
        f"script-src {_hash(script)}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    return text, policy


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
