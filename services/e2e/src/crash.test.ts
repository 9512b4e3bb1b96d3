// kill -9 of each process under load, and the database too: started again, the exchange is what clients
// were told, to the order and to the atom.

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
  // Durable: a killed database must not lose what it confirmed.
  exchange = await startExchange({ isDurable: true });
  users = [];
  for (let n = 0; n < 3; n += 1) users.push(await exchange.newUser({ funds: LOAD_FUNDS }));
  // Poor, so that refusals are among the final words.
  users.push(await exchange.newUser({ funds: { USDT: "20", BTC: "0.001", XRP: "30" } }));
});
afterAll(() => exchange?.close());

// A wallet that was away is asked again only after the breaker's 30 s.
const MS_MAX = 180_000;

async function expectSoundAfter(prefix: string, fault: () => Promise<void>): Promise<void> {
  const told = await underLoad(users, { seed: allTold.length, prefix, words: 150 }, fault);
  allTold.push(...told);
  expect(await disagreements(exchange, told)).toEqual([]);
  const audit = await runTool("audit", [], { BOURSE_HOME: exchange.mesh.home });
  expect(audit.code, audit.output).toBe(0);
}

const services = ["matcher-0", "matcher-1", "order-gateway", "settler", "projector", "market-data", "wallet"];

test.each([...services, "postgres"])(
  "kill -9 of %s under load loses and doubles nothing",
  async (name) => {
    await expectSoundAfter(name, async () => {
      await exchange.mesh.kill(name);
      await exchange.mesh.restart(name);
      await exchange.mesh.untilReady();
    });
  },
  MS_MAX,
);

test(
  "kill -9 of everything at once, and all of it started again",
  async () => {
    await expectSoundAfter("all", async () => {
      await Promise.all([...services, "postgres"].map((name) => exchange.mesh.kill(name)));
      // The database first; the others wait for it, not for each other.
      await exchange.mesh.restart("postgres");
      await Promise.all(services.map((name) => exchange.mesh.restart(name)));
    });
  },
  MS_MAX,
);

test(
  "what was told before all these crashes still holds, and both outcomes were among it",
  async () => {
    expect(allTold.some(({ refusal }) => refusal !== undefined)).toBe(true);
    expect(allTold.filter(({ order }) => order !== undefined).length).toBeGreaterThan(1_000);
    const amends = allTold.flatMap(({ amends }) => amends);
    expect(amends.filter(({ isMade }) => isMade).length).toBeGreaterThan(100);
    expect(amends.some(({ isMade }) => !isMade)).toBe(true);
    expect(await disagreements(exchange, allTold)).toEqual([]);
  },
  MS_MAX,
);
