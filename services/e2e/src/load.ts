// Seeded clients that place, amend and cancel without a pause, and write down every final word they are told.
import { setMaxListeners } from "node:events";
import type { BourseClient } from "@bourse/client/bourse-client.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type {
  Order,
  PlaceOrderRequestSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import {
  OrderType,
  type SelfTradePrevention,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { User } from "./exchange.js";

/** An order as it was sent. */
export type Sent = MessageInitShape<typeof PlaceOrderRequestSchema> & { readonly clientOrderId: string };

/** The final word on an order: it exists, or it was refused for good. */
export interface Told {
  readonly user: User;
  readonly sent: Sent;
  readonly order?: Order;
  readonly refusal?: DomainError;
  /** Final words on amends of the order. */
  readonly amends: ToldAmend[];
}

/** The final word on an amend: it was made, or it was refused for good. */
export interface ToldAmend {
  readonly requestId: string;
  readonly isMade: boolean;
}

/** Load that runs until it is stopped. */
interface Load {
  readonly told: readonly Told[];
  /** Resolves when so many more final words have been told. */
  untilTold(more: number): Promise<void>;
  /** Ends after the calls under way have their final word. */
  stop(): Promise<void>;
  /** Ends at once; calls under way are given up. */
  abandon(): void;
}

const MARKETS = [
  { symbol: "BTC/USDT", mid: 50_000, tick: 0.01, quantities: ["0.0001", "0.0007", "0.002"] },
  { symbol: "ETH/USDT", mid: 2_500, tick: 0.01, quantities: ["0.001", "0.013", "0.05"] },
  { symbol: "XRP/USDT", mid: 0.5, tick: 0.0001, quantities: ["10", "25.5", "100"] },
];
const LANES = 3;
/** One call in so many cancels an order that the lane placed before, another amends one. */
const CANCEL_SHARE = 0.2;
const AMEND_SHARE = 0.25;

/** Funds that a user of the load needs. */
export const LOAD_FUNDS = { USDT: "100000000", BTC: "1000", ETH: "10000", XRP: "10000000" };

/**
 * Runs a fault under load: final words before it, the fault, as many final words after it. Returns
 * every final word that was told.
 */
export async function underLoad(
  users: readonly User[],
  options: { readonly seed: number; readonly prefix: string; readonly words: number },
  fault: () => Promise<void>,
): Promise<readonly Told[]> {
  const load = startLoad(users, options);
  try {
    await load.untilTold(options.words);
    await fault();
    await load.untilTold(options.words);
    await load.stop();
    return load.told;
  } finally {
    load.abandon();
  }
}

// Each user has a few lanes, each lane makes one call after the other.
function startLoad(users: readonly User[], options: { seed: number; prefix: string }): Load {
  const told: Told[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const given = new AbortController();
  // Every call under way listens, which is many on purpose.
  setMaxListeners(0, given.signal);
  let isStopped = false;

  const tell = (word: Told) => {
    told.push(word);
    for (const each of waiting) if (told.length >= each.count) each.resolve();
  };
  const lanes = users.flatMap((user, index) =>
    Array.from({ length: LANES }, async (_unused, lane) => {
      const random = seededRandom(options.seed * 1_000 + index * 10 + lane);
      const mine: Told[] = [];
      for (let n = 0; !isStopped; n += 1) {
        const turn = random();
        const at = Math.floor(random() * mine.length);
        const earlier = mine[at];
        if (turn < CANCEL_SHARE && earlier?.order !== undefined) {
          mine.splice(at, 1);
          await cancel(user.client, earlier.order.orderId, given.signal);
          continue;
        }
        if (turn < CANCEL_SHARE + AMEND_SHARE && earlier?.order !== undefined) {
          await amend(earlier, changeOf(random, earlier.sent), `${options.prefix}-${n}`, given.signal);
          continue;
        }
        const sent = nextOrder(random, `${options.prefix}-${index}-${lane}-${n}`);
        const word = await place(user, sent, given.signal);
        if (word === undefined) continue;
        mine.push(word);
        tell(word);
      }
    }),
  );
  const failed = Promise.all(lanes).then(() => undefined);
  // Whoever waits is told of a lane that broke; a break before that is no unhandled rejection.
  failed.catch(() => undefined);
  return {
    told,
    untilTold: async (more) => {
      const count = told.length + more;
      await Promise.race([new Promise<void>((resolve) => waiting.push({ count, resolve })), failed]);
    },
    stop: async () => {
      isStopped = true;
      await failed;
    },
    abandon: () => {
      isStopped = true;
      given.abort();
    },
  };
}

/**
 * Places an order and waits for its final word; the client repeats what is not final. Undefined when
 * the call was refused without an attempt: a MARKET order before the first price.
 */
async function place(user: User, sent: Sent, signal: AbortSignal): Promise<Told | undefined> {
  try {
    const { order } = await user.client.orders.placeOrder(sent, { signal });
    if (order === undefined) throw new Error("an answer without an order");
    return { user, sent, order, amends: [] };
  } catch (error) {
    if (error instanceof DomainError && error.facts.outcome === "NOT_ACCEPTED")
      return { user, sent, refusal: error, amends: [] };
    if (error instanceof DomainError && error.reason === "INSUFFICIENT_LIQUIDITY") return undefined;
    throw error;
  }
}

/** A cancel may come too late; that is an answer too. */
async function cancel(client: BourseClient, orderId: string, signal: AbortSignal): Promise<void> {
  try {
    await client.orders.cancelOrder({ id: { case: "orderId", value: orderId } }, { signal });
  } catch (error) {
    if (!(error instanceof DomainError) || error.reason !== "ORDER_NOT_OPEN") throw error;
  }
}

/**
 * Amends an order and notes its final word. What is not noted was refused without an attempt, or came too late
 * for an order whose end the wallet knows already.
 */
async function amend(told: Told, change: Change, requestId: string, signal: AbortSignal): Promise<void> {
  const id = { case: "orderId", value: told.order?.orderId ?? "" } as const;
  try {
    await told.user.client.orders.amendOrder({ id, requestId, ...change }, { signal });
    told.amends.push({ requestId, isMade: true });
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (error.facts.outcome === "NOT_ACCEPTED") told.amends.push({ requestId, isMade: false });
    else if (error.facts.outcome !== "NOT_ATTEMPTED") throw error;
  }
}

interface Change {
  readonly price?: string;
  readonly quantity?: string;
}

/** Another price near the market, another quantity, or both. */
function changeOf(random: () => number, { symbol, side, type }: Sent): Change {
  const market = MARKETS.find((each) => each.symbol === symbol);
  if (market === undefined) throw new Error("no market");
  const quantity = market.quantities[Math.floor(random() * market.quantities.length)] ?? "1";
  const price = priceOf(random, market, side);
  if (type !== OrderType.LIMIT && type !== OrderType.STOP_LIMIT) return { quantity };
  const kind = random();
  return kind < 0.4 ? { quantity } : kind < 0.7 ? { price } : { price, quantity };
}

function priceOf(
  random: () => number,
  { mid, tick }: (typeof MARKETS)[number],
  side: Side | undefined,
): string {
  const ticksAway = Math.floor(random() * 40) - 10;
  return (mid + (side === Side.BUY ? -1 : 1) * ticksAway * tick).toFixed(tick === 0.01 ? 2 : 4);
}

function nextOrder(random: () => number, clientOrderId: string): Sent {
  const market = MARKETS[Math.floor(random() * MARKETS.length)] ?? MARKETS[0];
  if (market === undefined) throw new Error("no market");
  const quantity = market.quantities[Math.floor(random() * market.quantities.length)] ?? "1";
  const side = random() < 0.5 ? Side.BUY : Side.SELL;
  const selfTradePrevention: SelfTradePrevention = 1 + Math.floor(random() * 4);
  const common = { clientOrderId, symbol: market.symbol, side, quantity, selfTradePrevention };
  const kind = random();
  if (kind < 0.1) return { ...common, type: OrderType.MARKET };
  const price = priceOf(random, market, side);
  // A stop lies where the market has still to go: above it for a buyer.
  const stopPrice = priceOf(random, market, side === Side.BUY ? Side.SELL : Side.BUY);
  if (kind > 0.9) return { ...common, type: OrderType.STOP, stopPrice };
  if (kind > 0.8) return { ...common, type: OrderType.STOP_LIMIT, stopPrice, price };
  const timeInForce = kind < 0.2 ? TimeInForce.IOC : kind < 0.25 ? TimeInForce.FOK : TimeInForce.GTC;
  return { ...common, type: OrderType.LIMIT, price, timeInForce };
}
