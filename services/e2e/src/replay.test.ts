// The project's own recorded flow through the public API of a running exchange: 100 % or nothing.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Exchange, startExchange } from "./exchange.js";
import { runTool } from "./tool.js";

const SETS = fileURLToPath(new URL("../../../scripts/replay/sets/", import.meta.url));
const names = readdirSync(SETS, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

let exchange: Exchange;
beforeAll(async () => {
  exchange = await startExchange();
});
afterAll(() => exchange?.close());

// Minutes on a machine that does something else too; seconds on one that does not.
const MS_MAX = 180_000;

test.each(names)(
  "the set %s: every event, checkpoint and resting order equal",
  async (name) => {
    const { code, output } = await runTool("replay", [`${SETS}${name}`, "--against", exchange.mesh.home]);
    expect(code, output).toBe(0);
  },
  MS_MAX,
);

test(
  "kill -9 of a matcher in the middle of a replay changes nothing of its verdict",
  async () => {
    const [name = ""] = names;
    const replay = runTool("replay", [`${SETS}${name}`, "--against", exchange.mesh.home, "--rate", "500"]);
    const before = (await exchange.evidence.look()).commands;
    while ((await exchange.evidence.look()).commands < before + 300) await new Promise(setImmediate);
    await exchange.mesh.kill("matcher-0");
    await exchange.mesh.restart("matcher-0");
    const { code, output } = await replay;
    expect(code, output).toBe(0);
    const audit = await runTool("audit", [], { BOURSE_HOME: exchange.mesh.home });
    expect(audit.code, audit.output).toBe(0);
  },
  MS_MAX,
);
