/** Taking away what is on the screen: the picture, the curves as they look, and their numbers. */

import type { Chart } from "../base/chart";
import { openDialog } from "../base/dialog";
import { button, el } from "../base/dom";
import type { Session } from "./session";
import type { GameStage } from "./stage";
import { save } from "../base/files";

export function saveDialog(title: string, stage: GameStage, session: Session, charts: readonly Chart[]): void {
  const { settings, round } = session;
  const data = settings.data.kind === "drawn" ? "drawn" : settings.data.name.replace(/\.[^.]*$/, "");
  const stem = `${data}-seed-${settings.seed}-round-${round}`;
  const seen = charts.filter((chart) => !chart.element.hidden);
  openDialog(`Save from ‘${title}’`, el("div", { class: "stack" },
    el("p", { class: "quiet" }, `At round ${round.toLocaleString("en-GB")}. ` + (session.standing?.unlike_script ?
      `The address keeps the settings, not the way here: ${session.standing.unlike_script}.` : "The game itself is in the address, and under ‘As Python’.")),
    el("div", { class: "row" },
      button("Picture, PNG", () => void stage.png().then((blob) => blob && save(`${stem}.png`, blob)), { name: "save-png" }),
      button("Numbers of the curves, CSV", () => save(`${stem}.csv`, new Blob([session.curves.csv()], { type: "text/csv" })), { name: "save-csv" })),
    el("h3", {}, "Curves, SVG"),
    el("div", { class: "row" }, ...seen.map((chart) => button(chart.title, () => {
      const name = chart.title.toLowerCase().replace(/[^a-z]+/g, "-");
      save(`${stem}-${name}.svg`, new Blob([chart.svg()], { type: "image/svg+xml" }));
    }, { "data-svg": chart.title })))));
}
