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
import { type ByteReader, UnreadableBytes } from "./byte-reader.js";
import { selfTradeWords, sideWords, statusWords, timeInForceWords, typeWords } from "./matcher-words.js";
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
  const command = readKind(from);
  if (command === undefined) {
    return readRare(from.bytes.subarray(start, end), shard);
  }
  let traceparent = "";
  while (from.at < end) {
    const tag = from.varint();
    if (tag !== CommandTag.TRACEPARENT) from.unknown(tag);
    traceparent = from.text();
  }
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

/** The command of a kind that is read here; undefined for all others. */
function readKind(from: ByteReader): Command | undefined {
  const messageEnd = from.end;
  const tag = from.at < messageEnd ? from.varint() : 0;
  const read = READERS[tag];
  if (read === undefined) return undefined;
  from.end = from.extent();
  const command = read(from);
  from.end = messageEnd;
  return command;
}

const READERS: Readonly<Record<number, (from: ByteReader) => Command>> = {
  [CommandTag.SUBMIT]: readSubmit,
  [CommandTag.CANCEL]: readCancel,
  [CommandTag.RESOLVE]: readResolve,
  [CommandTag.AMEND]: readAmend,
  [CommandTag.TICK](from) {
    if (from.at < from.end) from.unknown(from.varint());
    return { type: "tick" };
  },
};

function readSubmit(from: ByteReader): SubmitCommand {
  let terms: OrderTerms | undefined;
  let expiresAtMs = 0;
  const { end } = from;
  while (from.at < end) {
    const tag = from.varint();
    if (tag === 10) {
      from.end = from.extent();
      terms = readTerms(from);
      from.end = end;
    } else if (tag === 16) expiresAtMs = from.varint();
    else from.unknown(tag);
  }
  if (terms === undefined) throw new UnreadableBytes("an order has terms");
  return { type: "submit", terms, expiresAtMs };
}

function readTerms(from: ByteReader): OrderTerms {
  let [orderId, userId, clientOrderId, symbol] = ["", "", "", ""];
  let [side, type, timeInForce, mode] = [0, 0, 0, 1];
  let [priceTicks, stopPriceTicks, quantityLots, budgetTickLots] = [0, 0, 0, 0];
  let [byQuoteBudget, postOnly] = [false, false];
  let [makerFeePpm, takerFeePpm] = [0, 0];
  let [reservedAsset, reservedAmount, quoteBudget] = ["", "", ""];
  while (from.at < from.end) {
    const tag = from.varint();
    switch (tag) {
      case 10:
        orderId = from.text();
        break;
      case 18:
        userId = from.text();
        break;
      case 26:
        clientOrderId = from.text();
        break;
      case 34:
        symbol = from.text();
        break;
      case 40:
        side = from.varint();
        break;
      case 48:
        type = from.varint();
        break;
      case 56:
        timeInForce = from.varint();
        break;
      case 64:
        priceTicks = from.varint();
        break;
      case 72:
        quantityLots = from.varint();
        break;
      case 80:
        budgetTickLots = from.varint();
        break;
      case 88:
        byQuoteBudget = from.flag();
        break;
      case 96:
        postOnly = from.flag();
        break;
      case 104:
        makerFeePpm = from.varint();
        break;
      case 112:
        takerFeePpm = from.varint();
        break;
      case 122:
        reservedAsset = from.text();
        break;
      case 130:
        reservedAmount = from.text();
        break;
      case 138:
        quoteBudget = from.text();
        break;
      case 144:
        stopPriceTicks = from.varint();
        break;
      case 152:
        mode = from.varint();
        break;
      default:
        from.unknown(tag);
    }
  }
  return {
    orderId,
    userId,
    clientOrderId,
    symbol,
    side: word(sideWords, side),
    type: word(typeWords, type),
    timeInForce: word(timeInForceWords, timeInForce),
    priceTicks,
    stopPriceTicks,
    quantityLots,
    budgetTickLots,
    byQuoteBudget,
    postOnly,
    selfTradePrevention: word(selfTradeWords, mode),
    makerFeePpm,
    takerFeePpm,
    reservedAsset,
    reservedAmount,
    quoteBudget,
  };
}

function readCancel(from: ByteReader): CancelCommand {
  let [orderId, userId] = ["", ""];
  while (from.at < from.end) {
    const tag = from.varint();
    if (tag === 10) orderId = from.text();
    else if (tag === 18) userId = from.text();
    else from.unknown(tag);
  }
  return { type: "cancel", orderId, userId };
}

function readResolve(from: ByteReader): ResolveCommand {
  let [orderId, userId, symbol] = ["", "", ""];
  let [status, expiresAtMs] = [0, 0];
  let cancelIfOpen = false;
  while (from.at < from.end) {
    const tag = from.varint();
    if (tag === 10) orderId = from.text();
    else if (tag === 18) userId = from.text();
    else if (tag === 26) symbol = from.text();
    else if (tag === 32) status = from.varint();
    // The reason follows from the status.
    else if (tag === 40) from.varint();
    else if (tag === 48) expiresAtMs = from.varint();
    else if (tag === 56) cancelIfOpen = from.flag();
    else from.unknown(tag);
  }
  const tombstoneStatus = word(statusWords, status);
  if (tombstoneStatus !== "CANCELLED" && tombstoneStatus !== "REJECTED")
    throw new UnreadableBytes("a tombstone says CANCELLED or REJECTED");
  const tombstoneReason = tombstoneStatus === "CANCELLED" ? "USER" : "NOT_SEQUENCED";
  return {
    type: "resolve",
    orderId,
    userId,
    symbol,
    tombstoneStatus,
    tombstoneReason,
    expiresAtMs,
    cancelIfOpen,
  };
}

function readAmend(from: ByteReader): AmendCommand {
  let [orderId, userId, legId, symbol, legAmount] = ["", "", "", "", ""];
  let [priceTicks, quantityLots, legUnits, expiresAtMs] = [0, 0, 0, 0];
  while (from.at < from.end) {
    const tag = from.varint();
    if (tag === 10) orderId = from.text();
    else if (tag === 18) userId = from.text();
    else if (tag === 26) legId = from.text();
    else if (tag === 34) symbol = from.text();
    else if (tag === 40) priceTicks = from.varint();
    else if (tag === 48) quantityLots = from.varint();
    else if (tag === 56) legUnits = from.varint();
    else if (tag === 66) legAmount = from.text();
    else if (tag === 72) expiresAtMs = from.varint();
    else from.unknown(tag);
  }
  return {
    type: "amend",
    orderId,
    userId,
    legId,
    symbol,
    priceTicks,
    quantityLots,
    legUnits,
    legAmount,
    expiresAtMs,
  };
}

function word<W extends string>(words: readonly (W | undefined)[], value: number): W {
  const known = words[value];
  if (known === undefined) throw new UnreadableBytes(`the word ${value} is not known`);
  return known;
}
