// SIGTERM under load: every process answers what it took, ends by itself, and nothing is lost.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Exchange, startExchange, type User } from "./exchange.js";
import { LOAD_FUNDS, startLoad, type Told } from "./load.js";
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

test.each(["order-gateway", "wallet", "matcher-0", "matcher-1", "settler", "projector", "market-data"])(
  "SIGTERM of %s under load loses nothing",
  async (name) => {
    const load = startLoad(users, { seed: name.length, prefix: `drain-${name}` });
    await load.untilTold(100);
    await exchange.mesh.kill(name, "SIGTERM");
    await exchange.mesh.restart(name);
    await load.untilTold(100);
    await load.stop();
    allTold.push(...load.told);
    expect(await disagreements(exchange, load.told)).toEqual([]);
  },
);

test("after all of it the books are clean", async () => {
  const audit = await runTool("audit", [], { BOURSE_HOME: exchange.mesh.home });
  expect(audit.code, audit.output).toBe(0);
  expect(await disagreements(exchange, allTold)).toEqual([]);
});
