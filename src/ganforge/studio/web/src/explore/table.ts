/** A table: rows that the generator makes, with conditions; filtered, sorted, beside real ones, taken away. */

import { button, el, fill, fresh, say } from "../base/dom";
import { save } from "../base/files";
import { refused } from "../base/notices";
import type { Opened } from "../base/protocol";
import { type Row, sifted } from "../base/rows";
import type { ModelLink } from "./model";
import { sampleCommand, words } from "./state";

const MOST = 200; // rows that are drawn

export function tableTool(link: ModelLink, opened: Opened, path: string): HTMLElement {
  const heads = opened.heads ?? [];
  let rows: readonly Row[] = [];
  let sorted: number | null = null;
  let way = 1;
  const said = el("p", { class: "small quiet", role: "status" });
  const body = el("tbody", {});
  const [countId, seedId, whereId] = [fresh("rows"), fresh("seed"), fresh("where")];
  const count = el("input", { id: countId, type: "number", name: "rows", min: 1, max: 1000, value: 200, onchange: () => void made() });
  const seed = el("input", { id: seedId, type: "number", name: "seed", min: 0, value: 0, onchange: () => void made() });
  const where = el("input", { id: whereId, type: "text", name: "where", onchange: () => void made(),
    placeholder: heads.slice(0, 2).map((head) => `${head}=…`).join(", ") });
  const real = el("input", { type: "checkbox", id: fresh("real"), name: "real", onchange: () => void (real.checked ? shown() : made()) });
  const command = el("pre", { "data-command": "", tabindex: 0, "aria-label": "the command that makes these rows" });
  const filters = heads.map((head) => el("input", { type: "text", class: "filter", "aria-label": `filter ${head}`,
    "data-filter": head, oninput: () => draw() }));
  const columns = heads.map((head, i) => el("th", { scope: "col", "aria-sort": "none" },
    button(head, () => {
      way = sorted === i ? -way : 1;
      sorted = i;
      columns.forEach((one, k) => one.setAttribute("aria-sort", k !== i ? "none" : way > 0 ? "ascending" : "descending"));
      draw();
    }, { class: "plain", "data-sort": head })));

  const found = (): Row[] => sifted(rows, filters.map((one) => one.value), sorted, way);
  const draw = (): void => {
    const kept = found();
    fill(body, ...kept.slice(0, MOST).map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, cell)))));
    const many = kept.length > MOST ? `; the first ${MOST} are shown` : "";
    say(said, `${kept.length.toLocaleString("en-GB")} of ${rows.length.toLocaleString("en-GB")} rows${many}. ${origin}`);
  };
  let origin = "";
  async function made(): Promise<void> {
    const [n, start, wishes] = [Number(count.value), Number(seed.value), words(where.value)];
    say(command, sampleCommand(path, { rows: n, seed: start, where: wishes }));
    real.checked = false;
    try {
      rows = await link.table(n, start, wishes);
      origin = "Made by the generator.";
      draw();
    } catch (error) {
      refused(error);
    }
  }
  async function shown(): Promise<void> {
    say(said, "Reading the data …");
    try {
      const { header } = await link.examples(Number(count.value));
      rows = header["rows"] as string[][];
      origin = String(header["words"]);
      draw();
    } catch (error) {
      real.checked = false;
      refused(error);
    }
  }
  void made();
  const field = (id: string, title: string, input: HTMLElement, kind: string): HTMLElement =>
    el("div", { class: `field ${kind}` }, el("label", { for: id }, title), input);
  return el("div", { class: "stack wide table-tool" },
    el("div", { class: "row table-controls" }, field(countId, "rows", count, ""), field(seedId, "seed", seed, ""),
      field(whereId, "with (NAME=VALUE or NAME=30..40, joined by commas)", where, "grow"),
      el("div", { class: "check" }, real, el("label", { for: real.id }, "real rows instead")),
      button("Save as CSV", () => {
        link.rowsFile(found()).then(({ pictures }) => pictures[0] && save(`${opened.name}.csv`, pictures[0])).catch(refused);
      }, { name: "save-csv" })),
    said,
    el("div", { class: "table-holder", tabindex: 0, role: "region", "aria-label": "Rows" }, el("table", { class: "rows" },
      el("thead", {}, el("tr", {}, ...columns), el("tr", {}, ...filters.map((one) => el("td", {}, one)))), body)),
    el("p", { class: "small quiet" }, "Press a column's name to sort. A filter is a part of the text, =exactly, >40, <=3 or 30..40; it looks " +
      "through the rows that are here, while ‘with’ asks the generator for such rows."),
    command);
}
