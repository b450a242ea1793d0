import assert from "node:assert/strict";
import { test } from "node:test";
import { Hidden } from "../src/watch/hidden.ts";

const store = (kept) => ({ kept, getItem() { return this.kept; }, setItem(_, text) { this.kept = text; } });

test("what is hidden is hidden after a reload, and can be shown again", () => {
  const one = store(null);
  const hidden = new Hidden(one);
  hidden.turn("runs/a");
  hidden.turn("runs/b");
  hidden.turn("runs/a");
  const again = new Hidden(one);
  assert.ok(again.has("runs/b") && !again.has("runs/a"));
});

test("storage that is refused or damaged hides nothing", () => {
  for (const kept of ["{", "5", '[1, "runs/a"]']) assert.equal(new Hidden(store(kept)).has("runs/a"), kept.startsWith("[1"));
  const refusing = { getItem() { throw new Error("no"); }, setItem() { throw new Error("no"); } };
  const hidden = new Hidden(refusing);
  hidden.turn("x");
  assert.ok(hidden.has("x"));
  assert.ok(!new Hidden(null).has("x"));
});
