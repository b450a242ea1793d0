import assert from "node:assert/strict";
import { test } from "node:test";
import { quoted, sampleCommand, stateFromQuery, stateToQuery } from "../src/explore/state.ts";

const USUAL = { base: { seed: 0 }, said: 0, truncation: 1, by: [], tool: "seeds", pins: [] };

test("what is usual is not in the address", () => {
  assert.equal(String(stateToQuery(USUAL, USUAL)), "");
  assert.deepEqual(stateFromQuery(new URLSearchParams(), USUAL), USUAL);
});

test("a state comes back from its address", () => {
  const state = {
    base: { seed: 12, start: 3 }, said: 7, truncation: 0.8, tool: "between",
    by: [{ direction: "smile: wide", amount: 1.5 }],
    pins: [{ latent: { between: [{ seed: 1 }, { seed: 2 }], t: 0.5 }, said: { mix: [[3, 0.5], [7, 0.5]] } }, { latent: { seed: 4 }, said: null }],
  };
  const text = String(stateToQuery(state, USUAL));
  assert.match(text, /seed=12/);
  assert.deepEqual(stateFromQuery(new URLSearchParams(text), USUAL), state);
  const found = { ...USUAL, base: { z: [0.5, -1] }, said: "a red circle" };
  assert.deepEqual(stateFromQuery(stateToQuery(found, USUAL), USUAL), found);
});

test("a latent of hundreds of numbers stays out", () => {
  const long = { ...USUAL, base: { z: Array.from({ length: 512 }, () => 0.123456) } };
  assert.equal(String(stateToQuery(long, USUAL)), "");
});

test("what cannot be read is as usual", () => {
  const bad = "seed=-1&truncation=7&direction=up&direction=x:y&pin=5&pin=%7B&latent=3&class=%7B%22a%22:1%7D";
  assert.deepEqual(stateFromQuery(new URLSearchParams(bad), USUAL), USUAL);
});

test("the command has what is not usual, quoted for a shell", () => {
  assert.equal(sampleCommand("runs/my digits", { seeds: "5", said: ["--class", "it's"], truncation: 0.5 }),
    "gan sample 'runs/my digits' --seeds 5 --class 'it'\\''s' --truncation 0.5");
  assert.equal(sampleCommand("runs/t", { rows: 20, seed: 0, where: ["age=30..40", "income=>50K"], truncation: 1 }),
    "gan sample runs/t --rows 20 --seed 0 --where age=30..40 --where 'income=>50K'");
  assert.equal(quoted("$(rm)"), "'$(rm)'");
});
