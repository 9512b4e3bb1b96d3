import { expect, test } from "vitest";
import { parseTop, usageLines } from "./usage.js";

test("lines of kubectl top become numbers", () => {
  expect(parseTop("bourse-matcher-0   12m   80Mi\nx  2  1Gi\n")).toEqual([
    { name: "bourse-matcher-0", cpuMillicores: 12, memoryMib: 80 },
    { name: "x", cpuMillicores: 2_000, memoryMib: 1_024 },
  ]);
});

test("pods stand beside themselves, and those that are gone too", () => {
  const idle = parseTop("a 1m 70Mi\nold 2m 60Mi");
  expect(usageLines(idle, parseTop("a 90m 95Mi"))).toEqual([
    "pod  idle         under load",
    "a    1 m, 70 MiB  90 m, 95 MiB",
    "old  2 m, 60 MiB  -",
  ]);
});
