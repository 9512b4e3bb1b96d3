// SIGTERM under load: every process answers what it took, ends by itself, and nothing is lost.
import { readFileSync } from "node:fs";
import { pathsOf } from "@bourse/local/home.js";
import { LOAD_FUNDS, type Told, underLoad } from "@bourse/local/testing/load.js";
import { disagreements } from "@bourse/local/testing/reconcile.js";
import type { User } from "@bourse/local/testing/users.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Exchange, startExchange } from "./exchange.js";
import { runTool } from "./tool.js";

let exchange: Exchange;
let users: User[];
const allTold: Told[] = [];

beforeAll(async () => {
  exchange = await startExchange();
  users = [];
  for (let n = 0; n < 3; n += 1) users.push(await exchange.newUser({ funds: LOAD_FUNDS }));
});
afterAll(() => exchange?.close());

// A wallet that was away is asked again only after the breaker's 30 s.
const MS_MAX = 180_000;

const services = ["order-gateway", "matcher-0", "matcher-1", "settler", "projector", "market-data", "wallet"];

/** Message of the last line that a process logged: "stopped" when it closed everything in time. */
function lastWordsOf(name: string): string {
  const lines = readFileSync(pathsOf(exchange.mesh.home).log(name), "utf8").trimEnd().split("\n");
  return (JSON.parse(lines.at(-1) ?? "{}") as { msg?: string }).msg ?? "";
}

test.each(services)(
  "SIGTERM of %s under load loses nothing",
  async (name) => {
    const told = await underLoad(users, { seed: 7, prefix: `drain-${name}`, words: 100 }, async () => {
      await exchange.mesh.kill(name, "SIGTERM");
      expect(lastWordsOf(name)).toBe("stopped");
      await exchange.mesh.restart(name);
    });
    allTold.push(...told);
    expect(await disagreements(exchange, told)).toEqual([]);
  },
  MS_MAX,
);

test(
  "SIGTERM of all of them at once under load loses nothing",
  async () => {
    const told = await underLoad(users, { seed: 8, prefix: "drain-all", words: 100 }, async () => {
      await Promise.all(services.map((name) => exchange.mesh.kill(name, "SIGTERM")));
      expect(services.map(lastWordsOf)).toEqual(services.map(() => "stopped"));
      await Promise.all(services.map((name) => exchange.mesh.restart(name)));
    });
    allTold.push(...told);
    expect(await disagreements(exchange, told)).toEqual([]);
  },
  MS_MAX,
);

test(
  "after all of it the books are clean",
  async () => {
    const audit = await runTool("audit", [], { BOURSE_HOME: exchange.mesh.home });
    expect(audit.code, audit.output).toBe(0);
    expect(await disagreements(exchange, allTold)).toEqual([]);
  },
  MS_MAX,
);
