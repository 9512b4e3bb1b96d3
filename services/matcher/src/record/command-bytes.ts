// Commands from their bytes, by hand for those that are many: the generated code makes an object with all its
// defaults for each, and bigints of every number. What lies in the journal was checked when it came in.
import { CommandSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { fromBinary } from "@bufbuild/protobuf";
import type {
  AmendCommand,
  CancelCommand,
  Command,
  OrderTerms,
  ResolveCommand,
  SubmitCommand,
} from "../core/types.js";
import {
  selfTradeWords,
  sideWords,
  statusWords,
  timeInForceWords,
  tombstoneReasonOf,
  typeWords,
} from "../rpc/matcher-words.js";
import { type ByteReader, UnreadableBytes } from "./byte-reader.js";
import { parseStored } from "./parse-stored.js";
import { isRare, rareCommandBytes } from "./rare-bytes.js";

/** Tags of the fields of a Command that are read by hand: number times eight plus two. */
export const CommandTag = {
  SUBMIT: 10,
  CANCEL: 18,
  RESOLVE: 26,
  TICK: 50,
  AMEND: 58,
  TRACEPARENT: 122,
} as const;

/** Reads a Command message from where the reader stands to its end. */
export function readCommand(
  from: ByteReader,
  shard: number,
): { readonly command: Command; readonly traceparent: string } {
  const { at: start, end } = from;
  const tag = from.bytes[start] ?? 0;
  const read = start < end ? READERS[tag] : undefined;
  if (read === undefined) return readRare(from.bytes.subarray(start, end), shard);
  from.enter(tag);
  const command = read(from);
  from.leave(end);
  const traceparent = from.text(CommandTag.TRACEPARENT);
  from.leave(end);
  return { command, traceparent };
}

/** A command that the generated code reads: it passes over what it does not know, which here must not be. */
function readRare(bytes: Uint8Array, shard: number) {
  const message = fromBinary(CommandSchema, bytes);
  const command = parseStored(message, shard);
  if (!isRare(command) || Buffer.compare(bytes, rareCommandBytes(command, message.traceparent)) !== 0)
    throw new UnreadableBytes("a command is not as this version writes it");
  return { command, traceparent: message.traceparent };
}

const READERS: Readonly<Record<number, (from: ByteReader) => Command>> = {
  [CommandTag.SUBMIT]: readSubmit,
  [CommandTag.CANCEL]: readCancel,
  [CommandTag.RESOLVE]: readResolve,
  [CommandTag.AMEND]: readAmend,
  [CommandTag.TICK]: () => ({ type: "tick" }),
};

// Fields of messages by their tags: number times eight, plus two for what has a length.

function readSubmit(from: ByteReader): SubmitCommand {
  const end = from.enter(10);
  const terms = readTerms(from);
  from.leave(end);
  return { type: "submit", terms, expiresAtMs: from.whole(16) };
}

function readTerms(from: ByteReader): OrderTerms {
  const orderId = from.text(10);
  const userId = from.text(18);
  const clientOrderId = from.text(26);
  const symbol = from.text(34);
  const side = word(sideWords, from.whole(40));
  const type = word(typeWords, from.whole(48));
  const timeInForce = word(timeInForceWords, from.whole(56));
  const priceTicks = from.whole(64);
  const quantityLots = from.whole(72);
  const budgetTickLots = from.whole(80);
  const byQuoteBudget = from.flag(88);
  const postOnly = from.flag(96);
  const makerFeePpm = from.whole(104);
  const takerFeePpm = from.whole(112);
  const reservedAsset = from.text(122);
  const reservedAmount = from.text(130);
  const quoteBudget = from.text(138);
  const stopPriceTicks = from.whole(144);
  // Orders of the first rules did not say it.
  const mode = from.whole(152);
  const selfTradePrevention = mode === 0 ? "CANCEL_TAKER" : word(selfTradeWords, mode);
  return {
    ...{ orderId, userId, clientOrderId, symbol, side, type, timeInForce, priceTicks, stopPriceTicks },
    ...{ quantityLots, budgetTickLots, byQuoteBudget, postOnly, selfTradePrevention },
    ...{ makerFeePpm, takerFeePpm, reservedAsset, reservedAmount, quoteBudget },
  };
}

function readCancel(from: ByteReader): CancelCommand {
  return { type: "cancel", orderId: from.text(10), userId: from.text(18), operatorId: from.text(26) };
}

function readResolve(from: ByteReader): ResolveCommand {
  const orderId = from.text(10);
  const userId = from.text(18);
  const symbol = from.text(26);
  const tombstoneStatus = word(statusWords, from.whole(32));
  if (tombstoneStatus !== "CANCELLED" && tombstoneStatus !== "REJECTED")
    throw new UnreadableBytes("a tombstone says CANCELLED or REJECTED");
  const tombstoneReason = tombstoneReasonOf(tombstoneStatus, from.whole(40));
  const expiresAtMs = from.whole(48);
  const cancelIfOpen = from.flag(56);
  const names = { orderId, userId, symbol } as const;
  return { type: "resolve", ...names, tombstoneStatus, tombstoneReason, expiresAtMs, cancelIfOpen };
}

function readAmend(from: ByteReader): AmendCommand {
  return {
    type: "amend",
    orderId: from.text(10),
    userId: from.text(18),
    legId: from.text(26),
    symbol: from.text(34),
    priceTicks: from.whole(40),
    quantityLots: from.whole(48),
    legUnits: from.whole(56),
    legAmount: from.text(66),
    expiresAtMs: from.whole(72),
  };
}

function word<W extends string>(words: readonly (W | undefined)[], value: number): W {
  const known = words[value];
  if (known === undefined) throw new UnreadableBytes(`the word ${value} is not known`);
  return known;
}
