// The catalogue is complete: every row that can be tried by now has a test.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { accessRows, transportRows } from "./rows-access.js";
import { decimalRows, gridRows } from "./rows-decimals.js";
import { bodyRows, pageRows, textRows } from "./rows-fields.js";
import { orderRows } from "./rows-orders.js";

/** Rows of RELIABILITY 5 for calls that exist: 1-65, 73-89, 92-94 and 97. */
const wanted = [...range(1, 65), "55b", ...range(73, 89), ...range(92, 94), "97"];

/** What cannot be tried yet, and why. */
const absent: Readonly<Record<string, string>> = { "87": "there are no private streams yet" };

function range(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_unused, index) => `${first + index}`);
}

function triedRows(): Set<string> {
  const tables = [decimalRows, gridRows, orderRows, textRows, bodyRows, pageRows, accessRows, transportRows];
  const tried = new Set(tables.flatMap((rows) => rows.map(({ row }) => row)));
  for (const file of ["bad-input.test.ts", "tokens.ts"]) {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
    for (const [, title = ""] of text.matchAll(/["`]rows? ([0-9b, and]+?) ·/g)) {
      for (const [row] of title.matchAll(/\d+b?/g)) tried.add(row);
    }
    for (const [, row = ""] of text.matchAll(/\["(\d+)", "/g)) tried.add(row);
  }
  return tried;
}

test("every row of the catalogue is tried, or it is said why not", () => {
  const tried = triedRows();
  expect(wanted.filter((row) => !tried.has(row) && absent[row] === undefined)).toEqual([]);
});

test("what is said to be absent is not tried after all", () => {
  const tried = triedRows();
  expect(Object.keys(absent).filter((row) => tried.has(row))).toEqual([]);
});
