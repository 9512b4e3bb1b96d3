// Random but valid histories of one market: what gateways reserve and what a shard then decides about it.
// Prices, limits, roles and rates vary; sums and fees are computed here a second time, from lots.
import { createHash } from "node:crypto";
import { seededRandom } from "@bourse/shared/testing/random.js";
import type { Operation, PartyOfTrade } from "../core/operation.js";
import type { Role } from "../core/reservation.js";
import type { ReserveRequest } from "../core/reserve.js";

/** One step: money is asked for, or the shard's next operation. */
export type Step =
  | { readonly type: "reserve"; readonly request: ReserveRequest }
  | { readonly type: "operation"; readonly operation: Operation };

export const BASE = "BTC";
export const QUOTE = "USDT";
const LOT_ATOMS = 1_000n;
const QUOTE_ATOMS_PER_TICK_LOT = 7n;

interface OpenOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly isBuy: boolean;
  readonly limitTicks: number;
  readonly bornSeq: number;
  openLots: number;
  executedLots: number;
  executedTickLots: bigint;
  readonly received: Record<Role, bigint>;
  readonly ppm: Record<Role, number>;
}

/** A UUID that follows from a number or name. */
export function uuidOf(name: string | number): string {
  const hex = createHash("sha1").update(String(name)).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Content hash that follows from a name. */
export function fingerprintOf(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

/** A reserve request that asks for little of USDT, with what the test names. */
export function reserveRequest(
  overrides: Partial<ReserveRequest> & { orderId: string; userId: string },
): ReserveRequest {
  return {
    asset: QUOTE,
    amountAtoms: 100n,
    fingerprintHex: fingerprintOf(overrides.orderId),
    shard: 0,
    terms: new Uint8Array([1, 2, 3]),
    ...overrides,
  };
}

/** Users of a history. */
export function usersOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => uuidOf(`user ${index}`));
}

/**
 * `orders` orders of a market and all that becomes of them, in the order of the shard's log; at the end
 * all are closed. `isHeld` says whether the wallet took a reserve: a refused one never reaches the shard.
 */
export function* history(
  seed: number,
  options: { orders: number; users: readonly string[]; isHeld?: (request: ReserveRequest) => boolean },
): Generator<Step> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const open: OpenOrder[] = [];
  let seq = 1;
  for (let number = 0; number < options.orders; number += 1) {
    const order = newOrder(`${seed} ${number}`, seq + 1, options.users, below);
    const request = requestOf(order);
    yield { type: "reserve", request };
    if (options.isHeld?.(request) === false) continue;

    seq += 1;
    const record = recordOf(seq);
    open.push(order);
    yield record({ type: "mark", orderId: order.orderId });
    yield* tradesOf(order, open, record, below);
    const cancelled = below(4) === 0 ? open[below(open.length)] : undefined;
    if (cancelled !== undefined) {
      seq += 1;
      yield endOf(recordOf(seq), cancelled, "CANCELLED");
      open.splice(open.indexOf(cancelled), 1);
    }
  }
  for (const order of open) {
    seq += 1;
    yield endOf(recordOf(seq), order, "CANCELLED");
  }
}

type RecordWriter = (effect: Operation["effect"]) => Step;

function recordOf(seq: number): RecordWriter {
  let index = 0;
  return (effect) => {
    const operation = { seq, index, timeMs: 1_000 * seq, effect };
    index += 1;
    return { type: "operation", operation };
  };
}

function newOrder(
  name: string,
  bornSeq: number,
  users: readonly string[],
  below: (limit: number) => number,
): OpenOrder {
  return {
    orderId: uuidOf(`order ${name}`),
    userId: users[below(users.length)] ?? "",
    isBuy: below(2) === 0,
    limitTicks: 95 + below(11),
    bornSeq,
    openLots: 1 + below(50),
    executedLots: 0,
    executedTickLots: 0n,
    received: { MAKER: 0n, TAKER: 0n },
    ppm: { MAKER: below(3) * 333, TAKER: below(4) * 777 },
  };
}

function requestOf(order: OpenOrder): ReserveRequest {
  const tickLots = BigInt(order.limitTicks) * BigInt(order.openLots);
  return reserveRequest({
    orderId: order.orderId,
    userId: order.userId,
    asset: order.isBuy ? QUOTE : BASE,
    amountAtoms: order.isBuy ? tickLots * QUOTE_ATOMS_PER_TICK_LOT : BigInt(order.openLots) * LOT_ATOMS,
  });
}

function* tradesOf(
  taker: OpenOrder,
  open: OpenOrder[],
  record: RecordWriter,
  below: (limit: number) => number,
): Generator<Step> {
  for (const maker of [...open]) {
    if (taker.openLots === 0) break;
    const [buyer, seller] = taker.isBuy ? [taker, maker] : [maker, taker];
    const crosses = maker.isBuy !== taker.isBuy && buyer.limitTicks >= seller.limitTicks;
    if (!crosses || maker.userId === taker.userId) continue;
    const lots = Math.min(taker.openLots, maker.openLots, 1 + below(40));
    yield record(
      tradeOf(uuidOf(`trade ${taker.orderId} ${maker.orderId}`), { taker, maker, buyer, seller, lots }),
    );
    for (const order of [maker, taker]) {
      if (order.openLots > 0) continue;
      yield endOf(record, order, "FILLED");
      open.splice(open.indexOf(order), 1);
    }
  }
}

function tradeOf(
  tradeId: string,
  match: { taker: OpenOrder; maker: OpenOrder; buyer: OpenOrder; seller: OpenOrder; lots: number },
): Operation["effect"] {
  const { taker, maker, buyer, seller, lots } = match;
  const tickLots = BigInt(maker.limitTicks) * BigInt(lots);
  const baseAtoms = BigInt(lots) * LOT_ATOMS;
  const quoteAtoms = tickLots * QUOTE_ATOMS_PER_TICK_LOT;
  const roleOf = (order: OpenOrder): Role => (order === taker ? "TAKER" : "MAKER");
  const effect = {
    type: "trade" as const,
    tradeId,
    symbol: `${BASE}/${QUOTE}`,
    baseAsset: BASE,
    quoteAsset: QUOTE,
    baseAtoms,
    quoteAtoms,
    buyerReservedAtoms: BigInt(buyer.limitTicks) * BigInt(lots) * QUOTE_ATOMS_PER_TICK_LOT,
    buyer: partyOf(buyer, roleOf(buyer), baseAtoms),
    seller: partyOf(seller, roleOf(seller), quoteAtoms),
  };
  for (const order of [buyer, seller]) {
    order.openLots -= lots;
    order.executedLots += lots;
    order.executedTickLots += tickLots;
  }
  return effect;
}

function partyOf(order: OpenOrder, role: Role, receivedAtoms: bigint): PartyOfTrade {
  const before = order.received[role];
  const ppm = BigInt(order.ppm[role]);
  const due = (received: bigint) =>
    -((-received * ppm) / 1_000_000n) + ((received * ppm) % 1_000_000n > 0n ? 1n : 0n);
  order.received[role] = before + receivedAtoms;
  return {
    orderId: order.orderId,
    userId: order.userId,
    role,
    feePpm: order.ppm[role],
    receivedBeforeAtoms: before,
    feeAtoms: due(before + receivedAtoms) - due(before),
  };
}

function endOf(record: RecordWriter, order: OpenOrder, status: "FILLED" | "CANCELLED"): Step {
  return record({
    type: "release",
    orderId: order.orderId,
    userId: order.userId,
    status,
    reason: status === "FILLED" ? "" : "USER",
    executedLots: order.executedLots,
    executedTickLots: order.executedTickLots,
    orderCreatedAtMs: 1_000 * order.bornSeq,
  });
}
