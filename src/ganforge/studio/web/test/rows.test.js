import assert from "node:assert/strict";
import { test } from "node:test";
import { compareCells, passes, sifted } from "../src/base/rows.ts";

test("filters: part of the text, exactly, bounds and ranges", () => {
  assert.ok(passes("Self-emp-not-inc", "emp"));
  assert.ok(passes("Male", " MALE "));
  assert.ok(!passes("Female", "=male"));
  assert.ok(passes("41", ">40") && !passes("40", ">40") && passes("40", ">=40"));
  assert.ok(passes("-3.5", "<0") && passes("−3.5", "<=-3.5"));
  assert.ok(passes("35", "30..40") && !passes("41", "30..40"));
  assert.ok(!passes("?", ">40"), "what is no number is on no side");
  assert.ok(passes("a..b", "a..b"), "two words and dots are a text");
  assert.ok(passes("", ""));
});

test("numbers are sorted by size and stand before words", () => {
  assert.deepEqual(["10", "9", "b", "-1", "a"].sort(compareCells), ["-1", "9", "10", "a", "b"]);
});

test("every filter holds, and the order is that of the file where no column is sorted by", () => {
  const rows = [["2", "b"], ["10", "a"], ["3", "a"]];
  assert.deepEqual(sifted(rows, ["", "a"], null, 1), [["10", "a"], ["3", "a"]]);
  assert.deepEqual(sifted(rows, [], 0, -1).map(([first]) => first), ["10", "3", "2"]);
  assert.deepEqual(rows[0], ["2", "b"]);
});
