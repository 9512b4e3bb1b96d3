// A short seeded round of chaos, and two of the planted bugs: the rest is npm run chaos and npm run planted.
import { expect, test } from "vitest";
import { runTool } from "./tool.js";

const MS_MAX = 180_000;

test(
  "a round of faults under load ends with a clean audit and with nobody told anything untrue",
  async () => {
    const { code, output } = await runTool("chaos", ["--rounds", "1", "--seed", "20261122"]);
    expect(code, output).toBe(0);
    expect(output).toMatch(/kill [34]/);
    expect(output).toMatch(/audit (\d+) of \1 /);
  },
  MS_MAX,
);

test(
  "an order id that the client's intent does not determine, and a missing tombstone, are caught",
  async () => {
    const { code, output } = await runTool("planted", ["--rules", "4,5", "--no-control"]);
    expect(code, output).toBe(0);
    expect(output.match(/: caught/g)).toHaveLength(2);
  },
  MS_MAX,
);
