/** Tabs, as the ARIA practices have them: arrow keys move among them. */

import { add, el, fresh } from "./dom";

export interface Tabs {
  element: HTMLElement;
  select(name: string): void;
}

/** `chose` hears which one is open. */
export function buildTabs(
  label: string, tabs: readonly { name: string; title: string; panel: HTMLElement }[], chose: (name: string) => void = () => undefined,
): Tabs {
  const made = tabs.map(({ name, title, panel }) => {
    const [tabId, panelId] = [fresh("tab"), fresh("panel")];
    const tab = el("button", { type: "button", id: tabId, role: "tab", "aria-controls": panelId, "data-tab": name,
      onclick: () => select(name) }, title);
    const holder = el("div", { id: panelId, role: "tabpanel", "aria-labelledby": tabId, class: "panel" }, panel);
    return { name, tab, holder };
  });
  const select = (name: string): void => {
    for (const one of made) {
      const chosen = one.name === name;
      one.tab.setAttribute("aria-selected", String(chosen));
      one.tab.tabIndex = chosen ? 0 : -1;
      one.holder.hidden = !chosen;
    }
    chose(name);
  };
  const list = el("div", { role: "tablist", "aria-label": label, class: "tabs",
    onkeydown: (event) => {
      const { key } = event as KeyboardEvent;
      const now = made.findIndex((one) => one.tab === document.activeElement);
      const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      const next = made[(now + step + made.length) % made.length];
      if (now < 0 || step === 0 || !next) return;
      select(next.name);
      next.tab.focus();
      event.preventDefault();
    } }, ...made.map((one) => one.tab));
  const element = el("div", { class: "tabbed" }, list);
  add(element, ...made.map((one) => one.holder));
  const first = tabs[0];
  if (first) select(first.name);
  return { element, select };
}
