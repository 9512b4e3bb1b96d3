import { expect, test } from "vitest";
import { parseCsv } from "./csv.js";

test("columns are found by name, in any order, and others are passed over", () => {
  const rows = parseCsv("x.csv", "extra,qty,n\nA,0.5,1\nB,,2\n", ["n", "qty"]);
  expect(rows).toEqual([
    { n: "1", qty: "0.5" },
    { n: "2", qty: "" },
  ]);
});

test("a file may end without a line feed and may have carriage returns", () => {
  expect(parseCsv("x.csv", "n\r\n1\r\n2", ["n"])).toEqual([{ n: "1" }, { n: "2" }]);
});

test("what is not of the form is refused by name and line", () => {
  expect(() => parseCsv("x.csv", "n\n1\n", ["n", "qty"])).toThrow('x.csv: column "qty" is missing');
  expect(() => parseCsv("x.csv", "n,qty\n1,2\n1\n", ["n"])).toThrow("x.csv, line 3: 1 fields instead of 2");
  expect(() => parseCsv("x.csv", "", ["n"])).toThrow("empty");
  expect(() => parseCsv("x.csv", 'n\n"1"\n', ["n"])).toThrow("quoted");
});
