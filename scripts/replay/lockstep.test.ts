import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runInLockstep } from "./lockstep.js";
import { loadSet } from "./set.js";
import { recipes } from "./sets-of-ours.js";

const sets = join(dirname(fileURLToPath(import.meta.url)), "sets");

test.each(recipes)("core and plain model agree on the set $name after every command", ({ name }) => {
  const set = loadSet(join(sets, name));
  const { commands, trades } = runInLockstep(set);
  expect(commands).toBe(set.commands.length);
  expect(trades).toBe(set.events.filter(({ event }) => event === "TRADE").length);
});

test("quantity that is taken off an order keeps its place in core and model", () => {
  const rest = (n: number) => ({
    ...{ op: "NEW", n, ts: "0", id: `r${n}`, side: "S", type: "LIMIT", price: "10", quantity: "5" },
  });
  const take = { op: "NEW", n: 5, ts: "0", id: "t", side: "B", type: "IOC", price: "10", quantity: "9" };
  const commands = [
    rest(1),
    rest(2),
    { op: "REDUCE", n: 3, ts: "0", id: "r1", quantity: "3" },
    { op: "REDUCE", n: 4, ts: "0", id: "r2", quantity: "5" },
    take,
  ] as Parameters<typeof runInLockstep>[0]["commands"];
  const events = [{ n: 5, event: "TRADE", makerId: "r1", takerId: "t", price: "10", quantity: "2" }] as const;
  const nothing = { depth: [], resting: [], recordedTrades: [], recordedBooks: [] };
  const set = { folder: "", name: "reduce", meta: {}, commands, events, ...nothing };
  expect(runInLockstep(set)).toEqual({ commands: 5, events: 10, trades: 1, resting: 0 });
});
