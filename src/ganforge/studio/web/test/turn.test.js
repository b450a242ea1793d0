import assert from "node:assert/strict";
import { test } from "node:test";
import { surface } from "../src/explore/turn.ts";

test("only voxels that can be seen are drawn, and only their bare sides", () => {
  const cube = surface(new Uint8Array(27).fill(255), [1, 3, 3, 3]);
  assert.equal(cube.length, 26);
  const bits = (n) => n.toString(2).replaceAll("0", "").length;
  assert.equal(cube.reduce((sum, voxel) => sum + bits(voxel.bare), 0), 6 * 9);
});

test("an array lies as a picture does: right, down, away from the viewer", () => {
  const one = new Uint8Array(8);
  one[0b011] = 255; // depth 0, low, right
  const [voxel] = surface(one, [1, 2, 2, 2]);
  assert.deepEqual(voxel.place, [0.5, -0.5, 0.5]);
});

test("transparency says what is full, and colours are its own", () => {
  const [voxel, ...others] = surface(Uint8Array.from([200, 90, 30, 255]), [4, 1, 1, 1]);
  assert.deepEqual(voxel.colour, [200, 90, 30]);
  assert.equal(others.length, 0);
  assert.equal(surface(Uint8Array.from([200, 90, 30, 0]), [4, 1, 1, 1]).length, 0);
});
