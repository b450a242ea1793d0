import assert from "node:assert/strict";
import { test } from "node:test";
import { flood, hex, isDrawn, paletteOf } from "../src/explore/palette.ts";

const pixels = (colours) => Uint8ClampedArray.from(colours.flatMap((colour) => [...colour, 255]));

test("a label map has its few colours, whatever compression adds to them", () => {
  const noisy = Array.from({ length: 900 }, (_, i) => {
    const plain = i < 600 ? [0, 0, 220] : [255, 80, 0];
    return plain.map((value) => value + (i % 5) - 2);
  });
  const palette = paletteOf([pixels(noisy)]);
  assert.equal(palette.colours.length, 2);
  assert.ok(Math.abs(palette.colours[0][2] - 220) < 4, "the most frequent first");
  assert.ok(isDrawn(palette));
});

test("a photo is not drawn", () => {
  let state = 1;
  const next = () => (state = (state * 16807) % 2147483647) % 256;
  assert.ok(!isDrawn(paletteOf([pixels(Array.from({ length: 4000 }, () => [next(), next(), next()]))])));
  assert.ok(!isDrawn(paletteOf([pixels(Array(50).fill([9, 9, 9]))])), "one colour is nothing to paint with");
});

test("an area is filled as far as its colour goes", () => {
  const [a, b, c] = [[0, 0, 0], [200, 0, 0], [0, 0, 200]];
  const picture = pixels([a, a, b, a, a, b, b, b, a]);
  flood(picture, 3, 0, 0, c);
  assert.deepEqual([...picture], [...pixels([c, c, b, c, c, b, b, b, a])]);
  flood(picture, 3, 5, 9, c);
  assert.equal(hex([1, 255, 16]), "#01ff10");
});
