// A shard's records to what settlement needs: ticks and lots become atoms, events become operations.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type {
  AmendRefused,
  OrderAmended,
  OrderEnded,
  SelfTradePrevented,
  Event as ShardEvent,
  Record as ShardRecord,
  TradeExecuted,
  TradeParty,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { Market } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import {
  EndReason,
  OrderStatus,
  SelfTradePrevention,
  Side,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { baseAtoms, feeAtoms, type Grid, gridOf, quoteAtoms } from "@bourse/shared/units/market.js";
import type { SettleRecord } from "../core/next-batch.js";
import type {
  AdjustOperation,
  Operation,
  PartyOfTrade,
  ReleaseOperation,
  TradeOperation,
} from "../core/operation.js";
import type { FinalStatus, Role } from "../core/reservation.js";
import { holdOf } from "./journal-holds.js";

/** Reads the records of one shard. Knows its markets from the header and from what was added since. */
export interface RecordReader {
  /** Markets that the shard had when the stream began. */
  setMarkets(markets: readonly Market[]): void;
  /** A record's effects on money, in order. Throws SETTLEMENT_IMPOSSIBLE on what it cannot read. */
  read(record: ShardRecord): SettleRecord;
  /** The same with the hold that the record was decided on, for a wallet that may have lost it. */
  readWithHold(record: ShardRecord): SettleRecord;
}

/** A reader that knows no market yet. */
export function createRecordReader(): RecordReader {
  const grids = new Map<string, Grid>();
  const add = (market: Market) => grids.set(market.symbol, gridOf(market));
  const read = (record: ShardRecord): SettleRecord => {
    for (const { kind } of record.events) {
      if (kind.case === "marketAdded" && kind.value.market !== undefined) add(kind.value.market);
    }
    const effects = effectsOf(record, grids);
    const [seq, timeMs] = [Number(record.seq), Number(record.timeMs)];
    const operations = effects.map((effect, index): Operation => ({ seq, index, timeMs, effect }));
    return { epoch: Number(record.epoch), seq, timeMs, operations };
  };
  return {
    setMarkets: (markets) => markets.forEach(add),
    read,
    readWithHold: (record) => ({ ...read(record), hold: holdOf(record, grids) }),
  };
}

/**
 * The effects of a record without those that a later one of it makes needless. A release marks its order and
 * frees all that is left, so a mark or a lesser need before it says nothing new; of several needs that
 * preventions leave an order with, the last one holds. Whoever counts a record's operations relies on it.
 */
function effectsOf(record: ShardRecord, grids: ReadonlyMap<string, Grid>): Operation["effect"][] {
  const effects = record.events.flatMap((event) => effectsOfEvent(record, event, grids));
  const ended = new Set<string>();
  const lastNeed = new Map<string, AdjustOperation>();
  for (const effect of effects) {
    if (effect.type === "release") ended.add(effect.orderId);
    if (effect.type === "adjust") lastNeed.set(effect.orderId, effect);
  }
  return effects.filter((effect) => {
    if (effect.type === "mark") return !ended.has(effect.orderId);
    if (effect.type !== "adjust" || effect.legId !== undefined) return true;
    return !ended.has(effect.orderId) && lastNeed.get(effect.orderId) === effect;
  });
}

function effectsOfEvent(
  record: ShardRecord,
  { kind }: ShardEvent,
  grids: ReadonlyMap<string, Grid>,
): Operation["effect"][] {
  switch (kind.case) {
    case "accepted":
      return [{ type: "mark", orderId: acceptedId(record, kind.value.terms?.orderId) }];
    case "trade":
      return [tradeOf(record, kind.value, grids)];
    case "selfTradePrevented":
      return needsAfter(record, kind.value, grids);
    case "amended":
      return [needAfterAmend(record, kind.value, grids)];
    case "amendRefused":
      return [releaseOfLeg(record, kind.value)];
    case "ended":
      return [releaseOf(record, kind.value)];
    // They change no money; who placed or waited is accepted, and who fires trades or ends.
    case "rested":
    case "stopPlaced":
    case "stopTriggered":
    case "marketAdded":
    case "marketStateChanged":
    case "switchSet":
      return [];
    case undefined:
      // An event of a newer version may move money: never pass over it.
      throw unreadable(record, "an event of an unknown kind");
  }
}

/** Records since rules 2 name the accepted order in their command alone. */
function acceptedId(record: ShardRecord, named: string | undefined): string {
  const command = record.command?.kind;
  const orderId = named ?? (command?.case === "submit" ? command.value.terms?.orderId : undefined);
  if (orderId === undefined) throw unreadable(record, "an order without its terms");
  return orderId;
}

function gridFor(record: ShardRecord, grids: ReadonlyMap<string, Grid>, symbol: string): Grid {
  const grid = grids.get(symbol);
  if (grid === undefined) throw unreadable(record, "an event of an unknown market");
  return grid;
}

/** What the shard says an order needs, tick times lot or lots, in atoms of the asset that it holds. */
function neededAtoms(grid: Grid, isBuy: boolean, units: bigint): bigint {
  return isBuy ? quoteAtoms(grid, units) : baseAtoms(grid, units);
}

/** Only DECREMENT leaves an order with less; in every mode who ends is released. */
function needsAfter(
  record: ShardRecord,
  prevented: SelfTradePrevented,
  grids: ReadonlyMap<string, Grid>,
): AdjustOperation[] {
  if (prevented.mode !== SelfTradePrevention.DECREMENT) return [];
  const grid = gridFor(record, grids, prevented.symbol);
  const takerIsBuy = prevented.takerSide === Side.BUY;
  const need = (orderId: string, isBuy: boolean, units: bigint): AdjustOperation => {
    const remainingAtoms = neededAtoms(grid, isBuy, units);
    return { type: "adjust", orderId, userId: prevented.userId, legId: undefined, remainingAtoms };
  };
  return [
    need(prevented.takerOrderId, takerIsBuy, prevented.takerReservedUnits),
    need(prevented.makerOrderId, !takerIsBuy, prevented.makerReservedUnits),
  ];
}

function needAfterAmend(
  record: ShardRecord,
  amended: OrderAmended,
  grids: ReadonlyMap<string, Grid>,
): AdjustOperation {
  const { orderId, userId, legId, side, reservedUnits } = amended;
  if (legId === "") throw unreadable(record, "an amend without its leg");
  const grid = gridFor(record, grids, amended.symbol);
  const remainingAtoms = neededAtoms(grid, side === Side.BUY, reservedUnits);
  const leg = hasLeg(record) && { legWasReserved: true };
  return { type: "adjust", orderId, userId, legId, remainingAtoms, ...leg };
}

/** True when the record's amend says that a leg was reserved for it. */
function hasLeg({ command }: ShardRecord): boolean {
  return command?.kind.case === "amend" && command.kind.value.legAmount !== "";
}

/** The leg of a refused amend is free. The why is the answer's, not the leg's: its row says that it was refused. */
function releaseOfLeg(record: ShardRecord, { orderId, legId, userId }: AmendRefused): ReleaseOperation {
  return {
    type: "release",
    orderId: legId,
    userId,
    status: "REJECTED",
    reason: "",
    executedLots: 0,
    executedTickLots: 0n,
    orderCreatedAtMs: Number(record.timeMs),
    acceptedSeq: Number(record.seq),
    amendedPriceTicks: 0,
    amendedQuantityLots: 0,
    legOf: orderId,
    ...(hasLeg(record) && { wasReserved: true }),
  };
}

function tradeOf(
  record: ShardRecord,
  trade: TradeExecuted,
  grids: ReadonlyMap<string, Grid>,
): TradeOperation {
  const grid = gridFor(record, grids, trade.symbol);
  const { maker, taker } = trade;
  if (maker === undefined || taker === undefined) throw unreadable(record, "a trade without its parties");
  const buyerIsTaker = trade.takerSide === Side.BUY;
  const lots = trade.quantityLots;
  const base = baseAtoms(grid, lots);
  const quote = quoteAtoms(grid, trade.priceTicks * lots);
  const limitTicks = trade.buyerLimitTicks;
  const party = (isBuyer: boolean): PartyOfTrade => {
    const role: Role = isBuyer === buyerIsTaker ? "TAKER" : "MAKER";
    const half = role === "TAKER" ? taker : maker;
    const before = BigInt(half.receivedBefore);
    return isBuyer
      ? partyOf(half, role, baseAtoms(grid, before), base)
      : partyOf(half, role, quoteAtoms(grid, before), quote);
  };
  return {
    type: "trade",
    tradeId: trade.tradeId,
    symbol: trade.symbol,
    baseAsset: grid.baseAsset,
    quoteAsset: grid.quoteAsset,
    baseAtoms: base,
    quoteAtoms: quote,
    // An order with a budget has no limit: it holds what it pays.
    buyerReservedAtoms: limitTicks === 0n ? quote : quoteAtoms(grid, limitTicks * lots),
    buyer: party(true),
    seller: party(false),
  };
}

function partyOf(
  half: TradeParty,
  role: Role,
  receivedBeforeAtoms: bigint,
  receivedAtoms: bigint,
): PartyOfTrade {
  return {
    orderId: half.orderId,
    userId: half.userId,
    role,
    feePpm: half.feePpm,
    receivedBeforeAtoms,
    feeAtoms: feeAtoms(half.feePpm, receivedBeforeAtoms, receivedAtoms),
  };
}

const FINAL: Readonly<Partial<Record<OrderStatus, FinalStatus>>> = {
  [OrderStatus.FILLED]: "FILLED",
  [OrderStatus.CANCELLED]: "CANCELLED",
  [OrderStatus.EXPIRED]: "EXPIRED",
  [OrderStatus.REJECTED]: "REJECTED",
};

function releaseOf(record: ShardRecord, ended: OrderEnded): ReleaseOperation {
  const status = FINAL[ended.status];
  const reason: string | undefined = EndReason[ended.reason];
  if (status === undefined || reason === undefined) throw unreadable(record, "an end of an unknown kind");
  return {
    type: "release",
    orderId: ended.orderId,
    userId: ended.userId,
    status,
    reason: ended.reason === EndReason.UNSPECIFIED ? "" : reason,
    executedLots: Number(ended.executedLots),
    executedTickLots: BigInt(ended.executedTickLots === "" ? "0" : ended.executedTickLots),
    orderCreatedAtMs: Number(ended.createdAtMs),
    acceptedSeq: Number(ended.acceptedSeq),
    amendedPriceTicks: Number(ended.amendedPriceTicks),
    amendedQuantityLots: Number(ended.amendedQuantityLots),
    legOf: undefined,
    // Only a tombstone ends what was perhaps never reserved.
    ...(!ended.isTombstone && { wasReserved: true }),
  };
}

function unreadable(record: ShardRecord, why: string): DomainError {
  return new DomainError("SETTLEMENT_IMPOSSIBLE", { why, seq: String(record.seq) });
}
