// Starts the bots on a running exchange.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BotDesk } from "@bourse/bots/bot-desk.js";
import { readRecording } from "@bourse/bots/recording.js";
import { runRecorded } from "@bourse/bots/run-recorded.js";
import { runSeeded, type SeededMarket } from "@bourse/bots/run-seeded.js";
import { SeededFlow } from "@bourse/bots/seeded-flow.js";
import { botUsers } from "@bourse/bots/users.js";
import { type BourseClient, openBourse } from "@bourse/client/bourse-client.js";
import { makeToken } from "@bourse/local/keys.js";
import { OrderStatus, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { type Grid, gridOf, parsePriceTicks, parseQuantityLots } from "@bourse/shared/units/market.js";
import { botDesk } from "./users.js";

export interface BotsOptions {
  readonly home: string;
  readonly address: string;
  /** Folder of recordings to follow; markets without one get seeded flow. */
  readonly flowFolder: string | undefined;
  readonly signal: AbortSignal;
}

/** Commands a second of the seeded bots, all markets together. */
const seededRate = 40;

// Where the mid of an empty book starts, in units of the quote asset.
const anchors: Readonly<Record<string, string>> = {
  "BTC/USDT": "61800",
  "ETH/USDT": "2680",
  "XRP/USDT": "0.55",
};

interface BotMarket {
  readonly grid: Grid;
  readonly minQuantityLots: number;
  readonly anchor: string;
}

/**
 * Keeps every market of the demo alive until the signal aborts. Fails when the exchange refuses the
 * bots themselves; while it is away they wait.
 */
export async function runBots(options: BotsOptions): Promise<void> {
  const { address, flowFolder, home, signal } = options;
  const token = await makeToken(home, botDesk);
  const client = openBourse({ address, token, signal });
  try {
    const entry = client.openOrderEntry({ windowMax: 128 });
    const desk = new BotDesk(entry);
    const markets = await botMarkets(client);
    const recorded = markets.filter(({ grid }) => recordingOf(flowFolder, grid) !== undefined);
    const seeded = await Promise.all(
      markets
        .filter((market) => !recorded.includes(market))
        .map((market) => seededMarket(client, options, market)),
    );
    await cancelOpenOrders(
      options,
      recorded.map(({ grid }) => grid.symbol),
    );
    const sleep = systemClock.sleep;
    await Promise.all([
      runSeeded({ desk, markets: seeded, rate: seededRate, sleep, signal }),
      ...recorded.map(({ grid, minQuantityLots }) => {
        const messages = () => readRecording(recordingOf(flowFolder, grid) ?? "");
        return runRecorded({ desk, grid, minQuantityLots, messages, clock: systemClock, signal });
      }),
    ]);
  } finally {
    client.close();
  }
}

/** The recording of a market in a folder, for example `btcusdt.jsonl.gz`, or undefined. */
export function recordingOf(folder: string | undefined, grid: Pick<Grid, "symbol">): string | undefined {
  if (folder === undefined) return undefined;
  const file = join(folder, `${grid.symbol.replace("/", "").toLowerCase()}.jsonl.gz`);
  return existsSync(file) ? file : undefined;
}

// Only the demo's own markets: one that somebody made for a replay is left alone.
async function botMarkets(client: BourseClient): Promise<BotMarket[]> {
  const { markets } = await client.marketData.listMarkets({});
  return markets.flatMap((market) => {
    const anchor = anchors[market.symbol];
    if (anchor === undefined) return [];
    const grid = gridOf(market);
    const minimum =
      market.minQuantity === "0" ? 1 : parseQuantityLots(grid, "minQuantity", market.minQuantity);
    return [{ grid, minQuantityLots: minimum, anchor }];
  });
}

// After a restart the book is as it was: the mid goes on where it was, and the makers' orders are theirs again.
async function seededMarket(
  client: BourseClient,
  options: BotsOptions,
  market: BotMarket,
): Promise<SeededMarket> {
  const { grid, minQuantityLots } = market;
  const anchorTicks = parsePriceTicks(grid, "anchor", market.anchor);
  const { bids, asks } = await client.marketData.getOrderBook({ symbol: grid.symbol, levels: 1 });
  const [bid, ask] = [bids[0]?.price, asks[0]?.price].map((price) =>
    price === undefined ? undefined : parsePriceTicks(grid, "price", price),
  );
  const midTicks = bid !== undefined && ask !== undefined ? Math.round((bid + ask) / 2) : anchorTicks;
  const seed = [...grid.symbol].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) >>> 0, 1);
  const flow = new SeededFlow({ seed, anchorTicks, midTicks, minQuantityLots });
  for (const userId of botUsers.makers) {
    for (const { clientOrderId, price, side } of await openOrders(options, userId, grid.symbol)) {
      flow.rested({
        userId,
        clientOrderId,
        isBuy: side === Side.BUY,
        priceTicks: parsePriceTicks(grid, "price", price),
      });
    }
  }
  return { grid, flow };
}

// A recording starts from its own snapshot, so the quotes of the run before must go.
async function cancelOpenOrders(options: BotsOptions, symbols: readonly string[]): Promise<void> {
  for (const userId of botUsers.makers) {
    await asUser(options, userId, async (client) => {
      for (const symbol of symbols) {
        for (const { orderId } of await openOrders(options, userId, symbol)) {
          await client.orders
            .cancelOrder({ id: { case: "orderId", value: orderId }, symbol })
            .catch(() => undefined);
        }
      }
    });
  }
}

function openOrders(options: BotsOptions, userId: string, symbol: string) {
  return asUser(options, userId, async (client) => {
    const statuses = [OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED];
    const { orders } = await client.orders.listOrders({ symbol, statuses, pageSize: 1_000 });
    // Oldest first: that is the order in which makers cancel.
    return orders.reverse();
  });
}

async function asUser<T>(
  options: BotsOptions,
  userId: string,
  run: (client: BourseClient) => Promise<T>,
): Promise<T> {
  const token = await makeToken(options.home, {
    userId,
    roles: ["trader"],
    tier: "unlimited",
    ttlSeconds: 600,
  });
  const client = openBourse({ address: options.address, token, signal: options.signal });
  try {
    return await run(client);
  } finally {
    client.close();
  }
}
