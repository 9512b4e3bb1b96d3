// SIGTERM under load: every process answers what it took, ends by itself, and nothing is lost.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Exchange, startExchange, type User } from "./exchange.js";
import { LOAD_FUNDS, type Told, underLoad } from "./load.js";
import { disagreements } from "./reconcile.js";
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
const MS_MAX = 120_000;

test.each(["order-gateway", "matcher-0", "matcher-1", "settler", "projector", "market-data", "wallet"])(
  "SIGTERM of %s under load loses nothing",
  async (name) => {
    const told = await underLoad(users, { seed: 7, prefix: `drain-${name}`, words: 100 }, async () => {
      await exchange.mesh.kill(name, "SIGTERM");
      await exchange.mesh.restart(name);
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
