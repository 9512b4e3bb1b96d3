// The plainest correct shard, written from the semantics alone. The reference that tests hold the fast core
// against, command by command.
import { slowAmend } from "./slow-amend.js";
import { slowCancelAll, slowLearn, slowSetState, slowSetSwitch, slowTimer } from "./slow-many.js";
import { slowCascade, slowPlace } from "./slow-place.js";
import { type SlowKnown, type SlowRecord, type SlowShard, slowEnd } from "./slow-shard.js";
import type {
  AmendCommand,
  CancelAllCommand,
  Command,
  MatcherEvent,
  ResolveCommand,
  SetMarketStateCommand,
} from "./types.js";

const EXPIRY_AHEAD_MS_MAX = 60_000;
const SWITCH_MS_MAX = 86_400_000;

/** What becomes of a command: events, the word that stands already, or a refusal that changes nothing. */
export type SlowOutcome =
  | { readonly type: "applied"; readonly events: readonly MatcherEvent[] }
  | { readonly type: "known" }
  | { readonly type: "refused"; readonly reason: string };

/** Decides and applies a command at a time that is not before the last one's. */
export function applySlow(shard: SlowShard, timeMs: number, command: Command): SlowOutcome {
  const verdict = slowVerdict(shard, timeMs, command);
  if (verdict !== "apply") return verdict;
  const record: SlowRecord = {
    seq: shard.seq + 1,
    timeMs,
    events: [],
    trades: 0,
    preventions: 0,
    highest: 0n,
    lowest: 0n,
  };
  shard.seq = record.seq;
  shard.timeMs = timeMs;
  shard.cancelAlls = shard.cancelAlls.filter(({ expiresAtMs }) => expiresAtMs >= timeMs);
  run(shard, record, command);
  return { type: "applied", events: record.events };
}

function run(shard: SlowShard, record: SlowRecord, command: Command): void {
  switch (command.type) {
    case "submit":
      slowPlace(shard, record, command.terms);
      return slowCascade(shard, record, command.terms.symbol);
    case "cancel":
      return cancel(shard, record, command.orderId, command.operatorId === "" ? "USER" : "OPERATOR");
    case "resolve": {
      const by = command.tombstoneReason === "OPERATOR" ? "OPERATOR" : "USER";
      if (shard.known.has(command.orderId)) return cancel(shard, record, command.orderId, by);
      return tombstone(shard, record, command);
    }
    case "amend":
      return slowAmend(shard, record, command);
    case "cancelAll":
      return slowCancelAll(shard, record, command);
    case "setMarketState":
      return slowSetState(shard, record, command);
    case "setSwitch":
      return slowSetSwitch(shard, record, command);
    case "endDay":
    case "fireSwitch":
    case "sweepMarket":
    case "forget":
      return slowTimer(shard, record, command);
    case "learnCursors":
      return slowLearn(shard, record.timeMs, command.throughSeq);
    case "addMarket": {
      const { market } = command;
      shard.markets.push({ market, state: market.state, lastTrade: 0n, delistedAtMs: 0 });
      record.events.push({ type: "marketAdded", market });
      return;
    }
    case "startEpoch":
    case "tick":
      return;
  }
}

/** Whether a command goes into the log. */
function slowVerdict(shard: SlowShard, timeMs: number, command: Command): "apply" | SlowOutcome {
  switch (command.type) {
    case "submit": {
      const { terms, expiresAtMs } = command;
      const known = shard.known.get(terms.orderId);
      if (known !== undefined)
        return isSameTerms(known, command.terms) ? KNOWN : refuse("CLIENT_ORDER_ID_REUSED");
      if (!hasMarket(shard, terms.symbol)) return refuse("SYMBOL_NOT_FOUND");
      return isInTime(timeMs, expiresAtMs) ? "apply" : refuse("SUBMIT_EXPIRED");
    }
    case "cancel": {
      const known = shard.known.get(command.orderId);
      if (known?.type === "leg" || ownerOf(known) !== command.userId) return refuse("ORDER_NOT_FOUND");
      return isOpen(known) ? "apply" : KNOWN;
    }
    case "resolve": {
      const known = shard.known.get(command.orderId);
      if (known === undefined) {
        if (!hasMarket(shard, command.symbol)) return refuse("SYMBOL_NOT_FOUND");
        return isInTime(timeMs, command.expiresAtMs) ? "apply" : refuse("SUBMIT_EXPIRED");
      }
      if (ownerOf(known) !== command.userId) return refuse("ORDER_NOT_FOUND");
      return command.cancelIfOpen && isOpen(known) ? "apply" : KNOWN;
    }
    case "amend":
      return amendVerdict(shard, timeMs, command);
    case "cancelAll":
      return cancelAllVerdict(shard, timeMs, command);
    case "setMarketState":
      return stateVerdict(shard, command);
    case "setSwitch":
      if (command.symbols.some((symbol) => !hasMarket(shard, symbol))) return refuse("SYMBOL_NOT_FOUND");
      return command.timeoutMs > SWITCH_MS_MAX ? refuse("INVALID_FIELD") : "apply";
    default:
      return "apply";
  }
}

const KNOWN: SlowOutcome = { type: "known" };

function amendVerdict(shard: SlowShard, timeMs: number, command: AmendCommand): "apply" | SlowOutcome {
  const { orderId, legId, userId, expiresAtMs } = command;
  const leg = shard.known.get(legId);
  if (leg !== undefined) {
    const isOwn = leg.type !== "order" && leg.userId === userId;
    const isSame =
      isOwn && (leg.type === "tombstone" || (leg.orderId === orderId && isSameAmend(leg, command)));
    return isSame ? KNOWN : refuse("REQUEST_ID_REUSED");
  }
  const order = shard.known.get(orderId);
  if (order?.type === "leg" || ownerOf(order) !== userId) return refuse("ORDER_NOT_FOUND");
  return isInTime(timeMs, expiresAtMs) ? "apply" : refuse("SUBMIT_EXPIRED");
}

function isSameAmend(
  { priceTicks, quantityLots }: Pick<AmendCommand, "priceTicks" | "quantityLots">,
  command: AmendCommand,
): boolean {
  return priceTicks === command.priceTicks && quantityLots === command.quantityLots;
}

function cancelAllVerdict(
  shard: SlowShard,
  timeMs: number,
  command: CancelAllCommand,
): "apply" | SlowOutcome {
  const { userId, requestId, symbol, side, expiresAtMs, operatorId } = command;
  const before = shard.cancelAlls.find(
    (each) => each.userId === userId && each.requestId === requestId && each.expiresAtMs >= timeMs,
  );
  if (before !== undefined) {
    const isSame = before.symbol === symbol && before.side === side && before.operatorId === operatorId;
    return isSame ? KNOWN : refuse("REQUEST_ID_REUSED");
  }
  if (symbol !== "" && !hasMarket(shard, symbol)) return refuse("SYMBOL_NOT_FOUND");
  return isInTime(timeMs, expiresAtMs) ? "apply" : refuse("SUBMIT_EXPIRED");
}

function stateVerdict(shard: SlowShard, { symbol, state }: SetMarketStateCommand): "apply" | SlowOutcome {
  const target = shard.markets.find(({ market }) => market.symbol === symbol);
  if (target === undefined) return refuse("SYMBOL_NOT_FOUND");
  if (target.state === state) return KNOWN;
  return target.state === "DELISTED" ? refuse("SYMBOL_DELISTED") : "apply";
}

function cancel(shard: SlowShard, record: SlowRecord, orderId: string, reason: "USER" | "OPERATOR"): void {
  const known = shard.known.get(orderId);
  if (known?.type !== "order") throw new Error("an applied cancel names an order");
  slowEnd(shard, record, known.order, { status: "CANCELLED", reason });
}

function tombstone(shard: SlowShard, record: SlowRecord, command: ResolveCommand): void {
  const { orderId, userId, symbol, tombstoneStatus: status, tombstoneReason: reason } = command;
  shard.known.set(orderId, { type: "tombstone", userId, status, reason, endedSeq: record.seq });
  record.events.push({
    type: "ended",
    orderId,
    userId,
    symbol,
    status,
    reason,
    executedLots: 0,
    executedTickLots: "0",
    resting: undefined,
    remainingLots: 0,
    createdAtMs: record.timeMs,
    acceptedSeq: record.seq,
    terms: undefined,
    isTombstone: true,
    amendedPriceTicks: 0,
    amendedQuantityLots: 0,
  });
}

function isSameTerms(known: SlowKnown, terms: object): boolean {
  // A tombstone has no terms: it answers whatever content comes late.
  if (known.type !== "order") return true;
  return JSON.stringify(known.order.terms) === JSON.stringify(terms);
}

function ownerOf(known: SlowKnown | undefined): string | undefined {
  return known?.type === "order" ? known.order.terms.userId : known?.userId;
}

function isOpen(known: SlowKnown | undefined): boolean {
  return known?.type === "order" && known.order.endedSeq === 0;
}

function hasMarket(shard: SlowShard, symbol: string): boolean {
  return shard.markets.some(({ market }) => market.symbol === symbol);
}

function isInTime(timeMs: number, expiresAtMs: number): boolean {
  return expiresAtMs >= timeMs && expiresAtMs <= timeMs + EXPIRY_AHEAD_MS_MAX;
}

function refuse(reason: string): SlowOutcome {
  return { type: "refused", reason };
}
