// A shard's records to what settlement needs: ticks and lots become atoms, events become operations.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type {
  OrderEnded,
  Event as ShardEvent,
  Record as ShardRecord,
  TradeExecuted,
  TradeParty,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { Market } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { EndReason, OrderStatus, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { baseAtoms, feeAtoms, type Grid, gridOf, quoteAtoms } from "@bourse/shared/units/market.js";
import type { SettleRecord } from "../core/next-batch.js";
import type { Operation, PartyOfTrade, ReleaseOperation, TradeOperation } from "../core/operation.js";
import type { FinalStatus, Role } from "../core/reservation.js";

/** Reads the records of one shard. Knows its markets from the header and from what was added since. */
export interface RecordReader {
  /** Markets that the shard had when the stream began. */
  setMarkets(markets: readonly Market[]): void;
  /** A record's effects on money, in order. Throws SETTLEMENT_IMPOSSIBLE on what it cannot read. */
  read(record: ShardRecord): SettleRecord;
}

/** A reader that knows no market yet. */
export function createRecordReader(): RecordReader {
  const grids = new Map<string, Grid>();
  const add = (market: Market) => grids.set(market.symbol, gridOf(market));
  return {
    setMarkets: (markets) => markets.forEach(add),
    read(record) {
      for (const { kind } of record.events) {
        if (kind.case === "marketAdded" && kind.value.market !== undefined) add(kind.value.market);
      }
      const effects = effectsOf(record, grids);
      const [seq, timeMs] = [Number(record.seq), Number(record.timeMs)];
      const operations = effects.map((effect, index): Operation => ({ seq, index, timeMs, effect }));
      return { epoch: Number(record.epoch), seq, operations };
    },
  };
}

function effectsOf(record: ShardRecord, grids: ReadonlyMap<string, Grid>): Operation["effect"][] {
  const ended = new Set(
    record.events.flatMap(({ kind }) => (kind.case === "ended" ? [kind.value.orderId] : [])),
  );
  const effects = record.events.flatMap((event) => effectOf(record, event, grids) ?? []);
  // The release of an order marks it too, so a mark in the same record says nothing new.
  return effects.filter((effect) => effect.type !== "mark" || !ended.has(effect.orderId));
}

function effectOf(
  record: ShardRecord,
  { kind }: ShardEvent,
  grids: ReadonlyMap<string, Grid>,
): Operation["effect"] | undefined {
  switch (kind.case) {
    case "accepted":
      return { type: "mark", orderId: kind.value.terms?.orderId ?? "" };
    case "trade":
      return tradeOf(record, kind.value, grids);
    case "ended":
      return releaseOf(record, kind.value);
    case "rested":
    case "selfTradePrevented":
    case "marketAdded":
      return undefined;
    case undefined:
      // An event of a newer version may move money: never pass over it.
      throw unreadable(record, "an event of an unknown kind");
  }
}

function tradeOf(
  record: ShardRecord,
  trade: TradeExecuted,
  grids: ReadonlyMap<string, Grid>,
): TradeOperation {
  const grid = grids.get(trade.symbol);
  const { maker, taker } = trade;
  if (grid === undefined) throw unreadable(record, "a trade of an unknown market");
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
  };
}

function unreadable(record: ShardRecord, why: string): DomainError {
  return new DomainError("SETTLEMENT_IMPOSSIBLE", { why, seq: String(record.seq) });
}
