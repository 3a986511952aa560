import assert from "node:assert/strict";
import { test } from "node:test";
import { roman } from "../src/roman.js";
test("writes every sign and every subtractive form", () => {
  const known = { 1: "I", 4: "IV", 5: "V", 9: "IX", 40: "XL", 50: "L", 90: "XC", 400: "CD", 500: "D", 900: "CM", 3999: "MMMCMXCIX" };
  for (const [number, text] of Object.entries(known)) assert.equal(roman(Number(number)), text);
});
test("refuses other values", () => {
  for (const value of [0, -1, 4000, 1.5, "5", NaN]) assert.throws(() => roman(value), RangeError);
});
