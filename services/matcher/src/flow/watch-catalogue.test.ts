import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { ConfigError } from "@bourse/shared/runtime/config.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { manualClock } from "@bourse/shared/testing/clock.js";
import { expect, test } from "vitest";
import type { Market } from "../core/types.js";
import { withFolder } from "../testing/journal-folder.js";
import { startMatcher } from "../testing/matcher.js";
import { market } from "../testing/orders.js";
import { watchCatalogue } from "./watch-catalogue.js";

const btc = market();
const eth = market({ symbol: "ETH/USDT", baseAsset: "ETH" });
const xrp = market({ symbol: "XRP/USDT", baseAsset: "XRP", shard: 1 });

/** A file whose text is the name of what it lists; a list of texts is what is wrong with it. */
type File = readonly Market[] | string;

/** A shard with BTC/USDT whose settings file is what the test says, looked at when the test says. */
function withWatch(
  run: (watch: {
    symbols: () => Promise<string[]>;
    look: (text: string, file: File) => Promise<void>;
    logged: { level: string; msg: string }[];
    isRefused: () => boolean | undefined;
    addMarket: (market: Market) => Promise<Market>;
  }) => Promise<void>,
) {
  return () =>
    withFolder(async (folder) => {
      const matcher = await startMatcher(folder, { markets: [btc, xrp] });
      const { sequencer } = matcher.shard;
      const clock = manualClock();
      const logged: { level: string; msg: string }[] = [];
      const log = createLogger({ service: "test", level: "silent" });
      const note = (level: string) => (facts: object, msg: string) =>
        void logged.push({ level, msg, ...facts });
      Object.assign(log, { info: note("info"), warn: note("warn"), error: note("error") });
      let text: string | undefined = "start";
      let file: File = [btc, xrp];
      let isRefused: boolean | undefined;
      const stop = new AbortController();
      const watching = watchCatalogue(
        {
          ...{ number: 0, sequencer, text, catalogue: file, clock, log, everyMs: 1_000 },
          readText: async () => text,
          readCatalogue: () => {
            if (typeof file === "string") throw new ConfigError([file]);
            return file;
          },
          onRead: (refused) => {
            isRefused = refused;
          },
        },
        stop.signal,
      );
      try {
        await run({
          symbols: async () => (await matcher.shard.queries.header()).markets.map(({ symbol }) => symbol),
          async look(nextText, nextFile) {
            await expect.poll(() => clock.sleeping()).toBe(1);
            text = nextText;
            file = nextFile;
            clock.advance(1_000);
            await expect.poll(() => clock.sleeping()).toBe(1);
          },
          logged,
          isRefused: () => isRefused,
          addMarket: sequencer.addMarket,
        });
      } finally {
        stop.abort();
        await watching;
        await matcher.close();
      }
    });
}

test(
  "a market of this shard that the file gains is made; one of another shard is not",
  withWatch(async ({ look, symbols, logged, isRefused }) => {
    const sol = market({ symbol: "SOL/USDT", baseAsset: "SOL", shard: 1 });
    await look("more", [btc, xrp, eth, sol]);
    expect(await symbols()).toEqual(["BTC/USDT", "ETH/USDT"]);
    expect(isRefused()).toBe(false);
    expect(logged).toMatchObject([{ level: "info", msg: "market added", symbol: "ETH/USDT" }]);
  }),
);

test(
  "a file that cannot work changes nothing and is logged once, until its content changes",
  withWatch(async ({ look, symbols, logged, isRefused }) => {
    await look("bad", "markets.1.tickSize: is required");
    await look("bad", "markets.1.tickSize: is required");
    expect(await symbols()).toEqual(["BTC/USDT"]);
    expect(isRefused()).toBe(true);
    expect(logged).toMatchObject([{ level: "error", mistakes: ["markets.1.tickSize: is required"] }]);
    await look("worse", "markets: a market is named twice");
    expect(logged).toHaveLength(2);
    await look("good", [btc, xrp, eth]);
    expect(await symbols()).toEqual(["BTC/USDT", "ETH/USDT"]);
    expect(isRefused()).toBe(false);
  }),
);

test(
  "what never changes about a market refuses the file, and with it the new markets that it lists",
  withWatch(async ({ look, symbols, logged }) => {
    await look("grid", [eth, { ...btc, tickSize: "0.1" }, xrp]);
    await look("away", [{ ...btc, shard: 1 }, xrp, eth]);
    await look("here", [btc, eth, { ...xrp, shard: 0 }]);
    expect(await symbols()).toEqual(["BTC/USDT"]);
    expect(logged).toMatchObject([
      { mistakes: ["markets.1.tickSize: BTC/USDT has 0.01 for ever, not 0.1"] },
      { mistakes: ["markets.0.shard: BTC/USDT has 0 for ever, not 1"] },
      { mistakes: ["markets.2.shard: XRP/USDT has 1 for ever, not 0"] },
    ]);
  }),
);

test(
  "a fee that differs and a market that vanishes are warned about; the journal's word holds",
  withWatch(async ({ look, symbols, logged, isRefused }) => {
    // The state of a market that exists is what operators made of it: the settings name that of a new one.
    await look("fee", [{ ...btc, takerFeePpm: 5, state: "HALTED" }, xrp]);
    await look("tiers", [{ ...btc, feeTiers: [{ tier: "pro", makerFeePpm: 0, takerFeePpm: 0 }] }, xrp]);
    await look("gone", []);
    await look("back", [btc, xrp]);
    expect(await symbols()).toEqual(["BTC/USDT"]);
    expect(isRefused()).toBe(false);
    expect(logged).toMatchObject([
      { level: "warn", symbol: "BTC/USDT", key: "takerFeePpm" },
      { level: "warn", symbol: "BTC/USDT", key: "feeTiers" },
      { level: "warn", symbol: "BTC/USDT", msg: expect.stringContaining("left the settings") },
    ]);
  }),
);

test(
  "another market that an operator made under the same symbol refuses the file",
  withWatch(async ({ look, addMarket, logged, isRefused }) => {
    await addMarket({ ...eth, lotSize: "0.1" });
    await expect(addMarket(eth)).rejects.toBeInstanceOf(DomainError);
    await look("eth", [btc, xrp, eth]);
    expect(isRefused()).toBe(true);
    expect(logged).toMatchObject([
      { mistakes: ["markets.2.lotSize: ETH/USDT has 0.1 for ever, not 0.00001"] },
    ]);
  }),
);
