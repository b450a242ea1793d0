import assert from "node:assert/strict";
import { test } from "node:test";
import { comparable, thinned } from "../src/watch/columns.ts";

const points = (...values) => values.map((value, i) => ({ nimg: 1000 * i, value, floor: 0, low: null, high: null }));

test("a score before training that would flatten the others is left out", () => {
  assert.deepEqual(comparable(points(2000, 3, 2, 1)).map((point) => point.value), [3, 2, 1]);
  assert.equal(comparable(points(20, 3, 2, 1)).length, 4);
  assert.equal(comparable(points(2000, 3)).length, 2, "one other is no curve");
  assert.equal(comparable(points(2000, 3, 2).slice(1)).length, 2);
});

test("a long log is thinned evenly, and its last line stays", () => {
  const lines = Array.from({ length: 5000 }, (_, nimg) => ({ nimg }));
  const kept = thinned(lines);
  assert.ok(kept.length <= 1001);
  assert.equal(kept.at(-1).nimg, 4999);
});
