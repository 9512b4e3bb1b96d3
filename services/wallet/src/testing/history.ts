// Random but valid histories of one market: what gateways reserve and what a shard then decides about it. Prices,
// limits, roles and rates vary; orders are amended, wait for a trigger, or meet their own owner.
import {
  type CommandSchema,
  RecordSchema,
  type Record as ShardRecord,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Operation } from "../core/operation.js";
import type { ReserveRequest } from "../core/reserve.js";
import {
  acceptedOf,
  amendedOf,
  atomsOfUnits,
  type Change,
  endOf,
  type Fact,
  heldAtoms,
  legIdOf,
  type OpenOrder,
  preventedOf,
  refusedOf,
  silentFact,
  tradeOf,
  unitsOf,
} from "./facts.js";
import { BASE, QUOTE, reserveRequest, SYMBOL, uuidOf } from "./names.js";

/** One step: money is asked for, or the shard's next record, as events and as what settlement makes of them. */
export type Step =
  | { readonly type: "reserve"; readonly request: ReserveRequest }
  | {
      readonly type: "record";
      readonly record: ShardRecord;
      readonly operations: readonly Operation[];
      /** What each open order must hold after the record, in atoms by order id. */
      readonly held: ReadonlyMap<string, bigint>;
    };

type Below = (limit: number) => number;
type Decision = Extract<Step, { type: "record" }>;

/**
 * `orders` orders of a market and all that becomes of them, in the order of the shard's log, from record 2
 * on (the first opens the epoch); at the end all are closed. `isHeld` says whether the wallet took a
 * reserve: a refused one never reaches the shard.
 */
export function* history(
  seed: number,
  options: { orders: number; users: readonly string[]; isHeld?: (request: ReserveRequest) => boolean },
): Generator<Step> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const open: OpenOrder[] = [];
  const isHeld = (request: ReserveRequest) => options.isHeld?.(request) !== false;
  let seq = 1;
  const record = (facts: readonly Fact[], command?: MessageInitShape<typeof CommandSchema>): Decision => {
    seq += 1;
    return recordOf(seq, facts, { open, command });
  };
  const drop = (order: OpenOrder) => open.splice(open.indexOf(order), 1);
  const pick = () => open[below(open.length)];
  for (let number = 0; number < options.orders; number += 1) {
    const order = newOrder(`${seed} ${number}`, seq + 1, options.users, below);
    const request = requestOf(order);
    yield { type: "reserve", request };
    if (!isHeld(request)) continue;

    open.push(order);
    const command = submitOf(order);
    yield record(placedOf(order, { open, below, rules: below(2) === 0 ? 1 : 2 }), command);

    const fired = below(3) === 0 ? open.find(({ isWaiting }) => isWaiting) : undefined;
    if (fired !== undefined) yield record([...firedOf(fired, open, below)]);

    const amended = below(2) === 0 ? pick() : undefined;
    if (amended !== undefined) {
      const change = changeOf(amended, number, below);
      const leg = legOf(amended, change, below);
      if (leg !== undefined) yield { type: "reserve", request: leg };
      if (leg === undefined || isHeld(leg)) {
        const isRefused = below(4) === 0;
        const made = { ...change, hasLeg: leg !== undefined };
        const command = amendOf(amended, change, leg);
        yield record(
          isRefused ? [refusedOf(amended, made, seq + 1)] : madeOf(amended, made, open, below),
          command,
        );
      }
    }
    const cancelled = below(4) === 0 ? pick() : undefined;
    if (cancelled !== undefined) {
      drop(cancelled);
      yield record([endOf(cancelled, "CANCELLED", "USER")]);
    }
  }
  while (open[0] !== undefined) {
    const [order] = open;
    drop(order);
    yield record([endOf(order, "CANCELLED", "USER")]);
  }
}

/** The record that opens the epoch: no effect on money. */
export function firstRecord(): ShardRecord {
  return create(RecordSchema, {
    seq: 1n,
    epoch: 1n,
    timeMs: 1_000n,
    command: { kind: { case: "startEpoch", value: { epoch: 1n } } },
  });
}

function recordOf(
  seq: number,
  facts: readonly Fact[],
  after: { open: readonly OpenOrder[]; command: MessageInitShape<typeof CommandSchema> | undefined },
): Decision {
  const timeMs = 1_000 * seq;
  const events = facts.map(({ event }) => event);
  const operations = neededOf(facts.flatMap(({ effects }) => effects)).map((effect, index) => ({
    seq,
    index,
    timeMs,
    effect,
  }));
  const { open, command } = after;
  const head = { seq: BigInt(seq), epoch: 1n, timeMs: BigInt(timeMs), events };
  const record = create(RecordSchema, { ...head, ...(command !== undefined && { command }) });
  const held = new Map(open.map((order) => [order.orderId, heldAtoms(order)]));
  return { type: "record", record, operations, held };
}

/** Seen from the end: who has ended needs no mark and no adjustment, and the last need of an order holds. */
function neededOf(effects: readonly Operation["effect"][]): Operation["effect"][] {
  const ended = new Set<string>();
  const needs = new Set<string>();
  return effects
    .toReversed()
    .filter((effect) => {
      if (effect.type === "trade") return true;
      if (effect.type === "release") return ended.add(effect.orderId);
      const isLast = effect.type === "mark" || !needs.has(effect.orderId);
      if (effect.type === "adjust") needs.add(effect.orderId);
      const hasLeg = effect.type === "adjust" && effect.legId !== undefined;
      return hasLeg || (isLast && !ended.has(effect.orderId));
    })
    .toReversed();
}

function newOrder(name: string, bornSeq: number, users: readonly string[], below: Below): OpenOrder {
  const isWaiting = below(5) === 0;
  const isBuy = below(2) === 0;
  const quantityLots = 1 + below(50);
  return {
    orderId: uuidOf(`order ${name}`),
    userId: users[below(users.length)] ?? "",
    isBuy,
    limitTicks: 95 + below(11),
    bornSeq,
    isWaiting,
    hasBudget: isWaiting && isBuy && below(2) === 0,
    quantityLots,
    openLots: quantityLots,
    executedLots: 0,
    executedTickLots: 0n,
    priceWasAmended: false,
    quantityWasChanged: false,
    received: { MAKER: 0n, TAKER: 0n },
    ppm: { MAKER: below(3) * 333, TAKER: below(4) * 777 },
  };
}

function requestOf(order: OpenOrder): ReserveRequest {
  const { orderId, userId, isBuy } = order;
  return reserveRequest({ orderId, userId, asset: isBuy ? QUOTE : BASE, amountAtoms: heldAtoms(order) });
}

function submitOf(order: OpenOrder): MessageInitShape<typeof CommandSchema> {
  const { orderId, userId, asset, amountAtoms } = requestOf(order);
  const reserved = { reservedAsset: asset, reservedAmount: formatAtoms(amountAtoms) };
  return { kind: { case: "submit", value: { terms: { orderId, userId, symbol: SYMBOL, ...reserved } } } };
}

function amendOf(
  { orderId, userId }: OpenOrder,
  { legId }: Asked,
  leg: ReserveRequest | undefined,
): MessageInitShape<typeof CommandSchema> {
  const legAmount = leg === undefined ? "" : formatAtoms(leg.amountAtoms);
  return { kind: { case: "amend", value: { orderId, userId, legId, symbol: SYMBOL, legAmount } } };
}

interface World {
  readonly open: OpenOrder[];
  readonly below: Below;
}

function placedOf(order: OpenOrder, { rules, open, below }: World & { rules: 1 | 2 }): Fact[] {
  const accepted = acceptedOf(order, rules);
  if (!order.isWaiting) return [accepted, ...matchesOf(order, open, below)];
  const value = { orderId: order.orderId, symbol: SYMBOL, side: order.isBuy ? Side.BUY : Side.SELL };
  return [accepted, silentFact({ case: "stopPlaced", value })];
}

/** A stop fires: one with a budget trades what it can and ends, one with a limit is an order like any other. */
function* firedOf(order: OpenOrder, open: OpenOrder[], below: Below): Generator<Fact> {
  const { orderId, userId } = order;
  order.isWaiting = false;
  yield silentFact({ case: "stopTriggered", value: { orderId, userId, symbol: SYMBOL } });
  yield* matchesOf(order, open, below);
  if (!order.hasBudget || order.openLots === 0) return;
  yield endOf(order, "EXPIRED", "IOC_REMAINDER");
  open.splice(open.indexOf(order), 1);
}

/** A change before it is known whether it takes a leg. */
type Asked = Omit<Change, "hasLeg">;

function changeOf(order: OpenOrder, number: number, below: Below): Asked {
  const isPriceKept = order.hasBudget || below(3) === 0;
  return {
    legId: legIdOf(order.orderId, number),
    priceTicks: isPriceKept ? order.limitTicks : 95 + below(11),
    quantityLots: Math.max(1, order.quantityLots + below(41) - 20),
  };
}

/** The leg of an amend, as the gateway asks for it: enough whatever trades meanwhile, at times more. */
function legOf(order: OpenOrder, change: Asked, below: Below): ReserveRequest | undefined {
  const { orderId, userId, isBuy, limitTicks, quantityLots } = order;
  const units = Math.max(
    0,
    unitsOf(isBuy, change.priceTicks, change.quantityLots) - unitsOf(isBuy, limitTicks, quantityLots),
    unitsOf(isBuy, change.priceTicks, Math.max(0, change.quantityLots - quantityLots)),
  );
  const asked = units + (below(4) === 0 ? below(100) : 0);
  if (asked === 0) return undefined;
  return reserveRequest({
    orderId: change.legId,
    legOf: orderId,
    userId,
    asset: isBuy ? QUOTE : BASE,
    amountAtoms: atomsOfUnits(isBuy, asked),
  });
}

/** An amend that is made, and what follows from it in its record. */
function madeOf(order: OpenOrder, change: Change, open: OpenOrder[], below: Below): Fact[] {
  const amended = amendedOf(order, change);
  if (order.openLots > 0) return order.isWaiting ? [amended] : [amended, ...matchesOf(order, open, below)];
  open.splice(open.indexOf(order), 1);
  return [amended, endOf(order, "CANCELLED", "AMENDED")];
}

function* matchesOf(taker: OpenOrder, open: OpenOrder[], below: Below): Generator<Fact> {
  for (const maker of [...open]) {
    if (taker.openLots === 0) break;
    const [buyer, seller] = taker.isBuy ? [taker, maker] : [maker, taker];
    const crosses = maker.isBuy !== taker.isBuy && buyer.limitTicks >= seller.limitTicks;
    if (!crosses || maker.isWaiting) continue;
    const isPrevented = maker.userId === taker.userId;
    if (isPrevented) yield preventedOf(taker, maker);
    else {
      const lots = Math.min(taker.openLots, maker.openLots, 1 + below(40));
      const tradeId = uuidOf(
        `trade ${taker.orderId} ${taker.executedLots} ${maker.orderId} ${maker.executedLots}`,
      );
      yield tradeOf({ tradeId, taker, maker, lots });
    }
    for (const order of [maker, taker]) {
      if (order.openLots > 0) continue;
      const isFilled = order.executedLots === order.quantityLots;
      yield isFilled ? endOf(order, "FILLED", "") : endOf(order, "EXPIRED", "SELF_TRADE");
      open.splice(open.indexOf(order), 1);
    }
  }
}
