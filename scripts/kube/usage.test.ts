import { expect, test } from "vitest";
import { parseTop, usageLines } from "./usage.js";

test("lines of kubectl top become numbers", () => {
  expect(parseTop("bourse-matcher-0   12m   80Mi\nx  2  1Gi\n")).toEqual([
    { name: "bourse-matcher-0", cpuMillicores: 12, memoryMib: 80 },
    { name: "x", cpuMillicores: 2_000, memoryMib: 1_024 },
  ]);
});

test("pods of one kind count together, shards by themselves", () => {
  const idle = parseTop(
    "b-wallet-6b96fcff57-wgtz8 10m 60Mi\nb-wallet-6b96fcff57-xh4qm 20m 50Mi\nb-matcher-0 5m 70Mi",
  );
  const loaded = parseTop("b-wallet-5b4c8f4bcd-f6pxm 90m 95Mi\nb-matcher-1 8m 71Mi");
  expect(usageLines(idle, loaded)).toEqual([
    "each pod of  idle          under load",
    "b-matcher-0  5 m, 70 MiB   -",
    "b-matcher-1  -             8 m, 71 MiB",
    "b-wallet     15 m, 55 MiB  90 m, 95 MiB",
  ]);
});
