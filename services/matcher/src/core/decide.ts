// Whether a command goes into the log, and if not, what its answer rests on. Changes nothing.

import { ContentHash, hashTerms } from "./content-hash.js";
import { EndedCode, EndedColumn, endedNumber, endedWord } from "./ended.js";
import { idText } from "./ids.js";
import { isEndedRef, recordOf } from "./memory.js";
import { cancelAllKey, entryOf, type Shard } from "./shard.js";
import { SlotColumn, slotWord } from "./slots.js";
import {
  AMEND_REFUSALS,
  type AmendCommand,
  type AmendRefusal,
  type CancelAllCommand,
  type CancelCommand,
  type ControlCommand,
  type OrderCommand,
  type ResolveCommand,
  type SetMarketStateCommand,
  type SetSwitchCommand,
  type SubmitCommand,
} from "./types.js";
import { findUser } from "./users.js";

/** How far ahead of the shard's time an expiry may lie. */
export const EXPIRY_AHEAD_MS_MAX = 60_000;
/** Longest timeout of a dead-man switch. */
export const SWITCH_TIMEOUT_MS_MAX = 86_400_000;

/** Why a command has no effect; reasons of the table of failures. */
export type Refusal =
  | "SYMBOL_NOT_FOUND"
  | "SUBMIT_EXPIRED"
  | "ORDER_NOT_FOUND"
  | "CLIENT_ORDER_ID_REUSED"
  | "REQUEST_ID_REUSED";

/**
 * apply: goes into the log. known: was decided before, `entry` tells (of an amend: its key's). refuse: has no
 * effect. An entry is a ref, good until the next command.
 */
export type Verdict =
  | { readonly type: "apply" }
  | { readonly type: "known"; readonly entry: number }
  | { readonly type: "refuse"; readonly reason: Refusal; readonly entry: number };

const APPLY: Verdict = { type: "apply" };
const content = new ContentHash();

/** Decides about a command that would be journaled at `timeMs`. */
export function decide(shard: Shard, timeMs: number, command: OrderCommand): Verdict {
  switch (command.type) {
    case "submit":
      return decideSubmit(shard, timeMs, command);
    case "cancel":
      return decideCancel(shard, command);
    case "resolve":
      return decideResolve(shard, timeMs, command);
    case "amend":
      return decideAmend(shard, timeMs, command);
  }
}

function decideSubmit(shard: Shard, timeMs: number, { terms, expiresAtMs }: SubmitCommand): Verdict {
  const entry = entryOf(shard, terms.orderId);
  if (entry >= 0) {
    hashTerms(content, terms);
    return hasContent(shard, entry, content.first, content.second)
      ? { type: "known", entry }
      : refuse("CLIENT_ORDER_ID_REUSED", entry);
  }
  if (!shard.bookOfSymbol.has(terms.symbol)) return refuse("SYMBOL_NOT_FOUND");
  return isInTime(timeMs, expiresAtMs) ? APPLY : refuse("SUBMIT_EXPIRED");
}

/** Whether a known id stands for an order of this content. A tombstone answers whatever comes late. */
function hasContent(shard: Shard, entry: number, first: number, second: number): boolean {
  const record = recordOf(entry);
  if (!isEndedRef(entry)) {
    const { slots } = shard;
    return (
      slotWord(slots, record, SlotColumn.HASH) === (first | 0) &&
      slotWord(slots, record, SlotColumn.HASH + 1) === (second | 0)
    );
  }
  const { memory } = shard;
  const codes = endedWord(memory.ended, record, EndedColumn.CODES);
  if ((codes & EndedCode.TOMBSTONE) !== 0) return true;
  return (
    (codes & EndedCode.LEG) === 0 &&
    endedWord(memory.ended, record, EndedColumn.HASH) === (first | 0) &&
    endedWord(memory.ended, record, EndedColumn.HASH + 1) === (second | 0)
  );
}

function decideCancel(shard: Shard, { orderId, userId }: CancelCommand): Verdict {
  const entry = ownEntry(shard, orderId, userId);
  if (entry < 0) return refuse("ORDER_NOT_FOUND");
  return isEndedRef(entry) ? { type: "known", entry } : APPLY;
}

function decideResolve(shard: Shard, timeMs: number, command: ResolveCommand): Verdict {
  const entry = entryOf(shard, command.orderId);
  if (entry < 0) return decideTombstone(shard, timeMs, command);
  // The id is derived from its owner, so another's is a caller's mistake: told nothing.
  if (!isOwn(shard, entry, command.userId)) return refuse("ORDER_NOT_FOUND");
  return command.cancelIfOpen && !isEndedRef(entry) ? APPLY : { type: "known", entry };
}

/** A tombstone of another shard's order would stop the settling of this one. The first rules did not look. */
function decideTombstone(shard: Shard, timeMs: number, { symbol, expiresAtMs }: ResolveCommand): Verdict {
  if (shard.rules !== 1 && !shard.bookOfSymbol.has(symbol)) return refuse("SYMBOL_NOT_FOUND");
  return isInTime(timeMs, expiresAtMs) ? APPLY : refuse("SUBMIT_EXPIRED");
}

function decideAmend(shard: Shard, timeMs: number, command: AmendCommand): Verdict {
  const leg = entryOf(shard, command.legId);
  if (leg >= 0) {
    const isSame =
      isOwn(shard, leg, command.userId) &&
      standsFor(shard, leg, command.orderId) &&
      differingAmendField(shard, leg, command) === undefined;
    return isSame ? { type: "known", entry: leg } : refuse("REQUEST_ID_REUSED", leg);
  }
  if (ownEntry(shard, command.orderId, command.userId) < 0) return refuse("ORDER_NOT_FOUND");
  return isInTime(timeMs, command.expiresAtMs) ? APPLY : refuse("SUBMIT_EXPIRED");
}

/** Whether a known id is the key of an amend of this order, or a tombstone: that answers whatever comes late. */
function standsFor(shard: Shard, entry: number, orderId: string): boolean {
  const outcome = amendOutcome(shard, entry);
  if (outcome === undefined) return false;
  return outcome === "TOMBSTONE" || legOrderId(shard, entry) === orderId;
}

/**
 * First field in which an amend asks for something else than the one that its key stands for; undefined when
 * none, or when the entry is a tombstone or no key of an amend.
 */
export function differingAmendField(
  shard: Shard,
  entry: number,
  { priceTicks, quantityLots }: Pick<AmendCommand, "priceTicks" | "quantityLots">,
): "price" | "quantity" | undefined {
  if (!isLegRef(shard, entry)) return undefined;
  const { ended } = shard.memory;
  const record = recordOf(entry);
  if (endedNumber(ended, record, EndedColumn.PRICE) !== priceTicks) return "price";
  return endedNumber(ended, record, EndedColumn.QUANTITY) === quantityLots ? undefined : "quantity";
}

/** What became of an amend by the entry of its key: "" when it holds; undefined when the id is no such key. */
export function amendOutcome(shard: Shard, entry: number): AmendRefusal | "" | "TOMBSTONE" | undefined {
  if (!isEndedRef(entry)) return undefined;
  const codes = endedWord(shard.memory.ended, recordOf(entry), EndedColumn.CODES);
  if ((codes & EndedCode.TOMBSTONE) !== 0) return "TOMBSTONE";
  if ((codes & EndedCode.LEG) === 0) return undefined;
  return AMEND_REFUSALS[(codes >> EndedCode.REASON_SHIFT) & EndedCode.REASON_MASK];
}

/** Whether an entry is the key of an amend. */
export function isLegRef(shard: Shard, entry: number): boolean {
  const isKey = (codes: number) => (codes & EndedCode.LEG) !== 0;
  return isEndedRef(entry) && isKey(endedWord(shard.memory.ended, recordOf(entry), EndedColumn.CODES));
}

/** Id of the order that a key of an amend belongs to. */
function legOrderId({ memory }: Shard, entry: number): string {
  const words = new Int32Array(4);
  for (let word = 0; word < 4; word += 1) {
    words[word] = endedWord(memory.ended, recordOf(entry), EndedColumn.LEG_ORDER + word);
  }
  return idText(words, 0);
}

/** Entry of the order that a key of an amend belongs to; it is known as long as the key is. */
export function orderOfLeg(shard: Shard, entry: number): number {
  return entryOf(shard, legOrderId(shard, entry));
}

/** Entry of a user's order; -1 when the id is unknown, another's, or no order's. */
export function ownEntry(shard: Shard, orderId: string, userId: string): number {
  const entry = entryOf(shard, orderId);
  if (entry < 0 || !isOwn(shard, entry, userId)) return -1;
  if (!isEndedRef(entry)) return entry;
  return (endedWord(shard.memory.ended, recordOf(entry), EndedColumn.CODES) & EndedCode.LEG) === 0
    ? entry
    : -1;
}

function isOwn(shard: Shard, entry: number, userId: string): boolean {
  const record = recordOf(entry);
  const user = isEndedRef(entry)
    ? endedWord(shard.memory.ended, record, EndedColumn.USER)
    : slotWord(shard.slots, record, SlotColumn.USER);
  return findUser(shard.users, userId) === user;
}

export function isInTime(timeMs: number, expiresAtMs: number): boolean {
  return expiresAtMs >= timeMs && expiresAtMs <= timeMs + EXPIRY_AHEAD_MS_MAX;
}

function refuse(reason: Refusal, entry = -1): Verdict {
  return { type: "refuse", reason, entry };
}

/** known: nothing would change; `cancelled` is what a cancel-all ended when it was decided. */
export type ControlVerdict =
  | { readonly type: "apply" }
  | { readonly type: "known"; readonly cancelled: number }
  | {
      readonly type: "refuse";
      readonly reason: Refusal | "SYMBOL_DELISTED" | "INVALID_FIELD";
    };

/** Decides about a command on many orders or on markets. Whether a market that exists differs is the caller's to say. */
export function decideControl(shard: Shard, timeMs: number, command: ControlCommand): ControlVerdict {
  switch (command.type) {
    case "cancelAll":
      return decideCancelAll(shard, timeMs, command);
    case "setMarketState":
      return decideMarketState(shard, command);
    case "setSwitch":
      return decideSwitch(shard, command);
    case "addMarket":
      return shard.bookOfSymbol.has(command.market.symbol)
        ? { type: "known", cancelled: 0 }
        : { type: "apply" };
  }
}

function decideCancelAll(shard: Shard, timeMs: number, command: CancelAllCommand): ControlVerdict {
  const { userId, requestId, symbol, side, expiresAtMs, operatorId } = command;
  const user = findUser(shard.users, userId);
  const before = user < 0 ? undefined : shard.cancelAlls.get(cancelAllKey(user, requestId));
  if (before !== undefined && before.expiresAtMs >= timeMs) {
    const { operatorId: by = "" } = before;
    return before.symbol === symbol && before.side === side && by === operatorId
      ? { type: "known", cancelled: before.cancelled }
      : { type: "refuse", reason: "REQUEST_ID_REUSED" };
  }
  if (symbol !== "" && !shard.bookOfSymbol.has(symbol)) return { type: "refuse", reason: "SYMBOL_NOT_FOUND" };
  return isInTime(timeMs, expiresAtMs) ? { type: "apply" } : { type: "refuse", reason: "SUBMIT_EXPIRED" };
}

function decideMarketState(shard: Shard, { symbol, state }: SetMarketStateCommand): ControlVerdict {
  const now = shard.bookOfSymbol.get(symbol)?.market.state;
  if (now === undefined) return { type: "refuse", reason: "SYMBOL_NOT_FOUND" };
  if (now === state) return { type: "known", cancelled: 0 };
  return now === "DELISTED" ? { type: "refuse", reason: "SYMBOL_DELISTED" } : { type: "apply" };
}

function decideSwitch(shard: Shard, { symbols, timeoutMs }: SetSwitchCommand): ControlVerdict {
  if (symbols.some((symbol) => !shard.bookOfSymbol.has(symbol))) {
    return { type: "refuse", reason: "SYMBOL_NOT_FOUND" };
  }
  const isPossible = timeoutMs >= 0 && timeoutMs <= SWITCH_TIMEOUT_MS_MAX;
  return isPossible ? { type: "apply" } : { type: "refuse", reason: "INVALID_FIELD" };
}
