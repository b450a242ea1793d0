import assert from "node:assert/strict";
import { test } from "node:test";
import { cloudOf, endsOf, pairs, shares } from "../src/explore/cloud.ts";
import { mixed } from "../src/explore/condition.ts";

test("a cloud has the ends of the real points, and a little room", () => {
  const block = (numbers, dims) => ({ data: Float32Array.from(numbers), shape: [numbers.length / dims, dims] });
  const arrays = new Map([["made", block([9, 9, -9, 1], 2)], ["real", block([0, 1, 10, 3], 2)]]);
  const cloud = cloudOf({ header: { words: "2 of 2" }, arrays, pictures: [] });
  assert.equal(cloud.dims, 2);
  assert.ok(cloud.ends[0][0] < 0 && cloud.ends[0][1] > 10 && cloud.ends[0][1] < 12);
  arrays.delete("real");
  assert.ok(cloudOf({ header: {}, arrays, pictures: [] }).ends[0][0] < -9, "alone, those of the samples");
  assert.equal(cloudOf({ header: {}, arrays: new Map(), pictures: [] }), null);
  assert.deepEqual(endsOf([NaN, NaN], 1, 0), [-1, 1]);
});

test("shares of a coordinate add up to one where all lies within", () => {
  const found = shares([0, 5, 1, 5, 2, 5, 3, 5], 2, 0, [-0.5, 3.5]);
  assert.ok(Math.abs(found.reduce((a, b) => a + b, 0) - 1) < 1e-9);
  assert.deepEqual(pairs([1, 2, 3, 4, 5, 6], 3, [2, 0]), [3, 1, 6, 4]);
});

test("what is said of a picture between others is their mixture", () => {
  assert.equal(mixed([[3, 0.4], [3, 0.6]]), 3);
  assert.deepEqual(mixed([[3, 0.5], [7, 0.5]]), { mix: [[3, 0.5], [7, 0.5]] });
  assert.deepEqual(mixed([[1, 1], [2, -1], [2, 1]]), 1);
  assert.equal(mixed([[null, 0.5], [7, 0.5]]), null);
});
