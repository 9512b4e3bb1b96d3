import { expect, test } from "vitest";
import { createReport } from "./report.js";

test("counts what passed and failed, and shows the same reason once", async () => {
  const lines: string[] = [];
  const report = createReport((line) => lines.push(line.replace(/[0-9.]+ s/, "0.1 s")));
  const fail = (reason: string) => () => {
    throw new Error(reason);
  };
  await report.part("toggles", async () => {
    await report.check("a", () => {});
    await report.check("b", fail("no such field\nat /spec"));
    await report.check("c", fail("no such field\nat /spec"));
  });
  await report.part("skaffold", async () => {
    throw new Error("there is no skaffold.yaml");
  });
  expect(lines).toEqual([
    "toggles ...",
    "  FAILED b",
    "      no such field",
    "      at /spec",
    "  FAILED c: as b",
    "  1 passed, 2 failed (0.1 s)",
    "skaffold ...",
    "  FAILED skaffold",
    "      there is no skaffold.yaml",
    "  0 passed, 1 failed (0.1 s)",
  ]);
  expect(report.counts()).toEqual({ passed: 1, failed: 3 });
});
