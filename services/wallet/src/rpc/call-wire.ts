// The unary calls of services: reserve, release and settle-trade, read as strictly as anything at the edge.
import { createHash } from "node:crypto";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { AmendCommandSchema, OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { TradeRole } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type {
  ReleaseRequest,
  ReleaseResponseSchema,
  ReserveRequest as ReserveMessage,
  SettleTradeRequest,
  SettleTradeResponseSchema,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { formatAtoms, parseAtoms, parsePositiveAtoms } from "@bourse/shared/units/atoms.js";
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { TradeOperation } from "../core/operation.js";
import type { ReleaseCall } from "../core/release-call.js";
import type { ReserveRequest } from "../core/reserve.js";
import type { Released } from "../flow/release.js";
import type { SettledByCall, SettleTradeCall } from "../flow/settle-trade.js";
import { readReserve, reservationMessage } from "./reservation-wire.js";
import { readTrade } from "./settle-wire.js";
import { readCustomer, readOrderId } from "./values.js";

/**
 * A reserve by call. Without shard nobody but such calls decides about it; without fingerprint its content is
 * the call itself.
 */
export function readReserveCall(message: ReserveMessage): ReserveRequest {
  readOrderId("order_id", message.orderId);
  readCustomer("user_id", message.userId);
  const isBare = message.fingerprint.length === 0;
  const request = readReserve(isBare ? { ...message, fingerprint: new Uint8Array(32) } : message);
  parsePositiveAtoms("amount", message.amount);
  const shard = message.shard === undefined ? undefined : request.shard;
  if (request.legOf !== undefined && shard === undefined)
    throw new DomainError("FIELD_REQUIRED", { field: "shard", problem: "only a shard amends" });
  const { orderId, legOf, userId, asset, amountAtoms, terms } = request;
  if (shard !== undefined) checkMarket(terms, legOf !== undefined);
  const content = [orderId, legOf ?? "", userId, asset, `${amountAtoms}`, `${shard}`, hexOf(terms)];
  return { ...request, shard, fingerprintHex: isBare ? fingerprintOf(content) : request.fingerprintHex };
}

/** Without a market no sweep can ask the shard about the hold, and nothing else could ever end it. */
function checkMarket(terms: Uint8Array, isLeg: boolean): void {
  if (terms.length === 0)
    throw new DomainError("FIELD_REQUIRED", { field: "terms", problem: "a shard is asked by their market" });
  if (symbolOf(terms, isLeg) === "")
    throw new DomainError("INVALID_FIELD", { field: "terms", problem: "they name no market" });
}

function symbolOf(terms: Uint8Array, isLeg: boolean): string {
  try {
    return isLeg ? fromBinary(AmendCommandSchema, terms).symbol : fromBinary(OrderTermsSchema, terms).symbol;
  } catch {
    return "";
  }
}

/** A release by call. */
export function readReleaseCall(message: ReleaseRequest): ReleaseCall {
  const orderId = readOrderId("order_id", message.orderId);
  const userId = readCustomer("user_id", message.userId);
  const amountAtoms = message.amount === undefined ? undefined : parseAtoms("amount", message.amount);
  return { orderId, userId, amountAtoms, fingerprintHex: fingerprintOf([orderId, userId, `${amountAtoms}`]) };
}

export function releaseMessage(released: Released): MessageInitShape<typeof ReleaseResponseSchema> {
  return {
    reservation: reservationMessage(released.reservation),
    released: formatAtoms(released.releasedAtoms),
    replayed: released.isReplayed,
  };
}

/** A settlement by call. */
export function readSettleTradeCall({ trade: message }: SettleTradeRequest): SettleTradeCall {
  if (message === undefined) throw new DomainError("FIELD_REQUIRED", { field: "trade" });
  if (message.buyerRole === TradeRole.UNSPECIFIED)
    throw new DomainError("FIELD_REQUIRED", { field: "trade.buyer_role" });
  if (message.symbol === "") throw new DomainError("FIELD_REQUIRED", { field: "trade.symbol" });
  const trade = readTrade(message);
  readCustomer("trade.buyer_user_id", message.buyerUserId);
  readCustomer("trade.seller_user_id", message.sellerUserId);
  parsePositiveAtoms("trade.base_amount", message.baseAmount);
  parsePositiveAtoms("trade.quote_amount", message.quoteAmount);
  parsePositiveAtoms("trade.buyer_reserved_amount", message.buyerReservedAmount);
  if (trade.baseAsset === trade.quoteAsset)
    throw new DomainError("INVALID_COMBINATION", { field: "trade.quote_asset" });
  if (trade.symbol !== `${trade.baseAsset}/${trade.quoteAsset}`)
    throw new DomainError("INVALID_SYMBOL", { field: "trade.symbol" });
  return { trade, fingerprintHex: fingerprintOf(contentOf(trade)) };
}

export function settledMessage(
  { trade }: SettleTradeCall,
  { entries, isReplayed }: SettledByCall,
): MessageInitShape<typeof SettleTradeResponseSchema> {
  return {
    transactionId: trade.tradeId,
    entries: entries.map(({ entryId, transactionId, userId, asset, amountAtoms }) => ({
      entryId: BigInt(entryId),
      transactionId,
      userId,
      asset,
      amount: formatAtoms(amountAtoms),
    })),
    replayed: isReplayed,
  };
}

function contentOf({ buyer, seller, ...trade }: TradeOperation): string[] {
  const halves = [buyer, seller].flatMap((party) => [
    party.orderId,
    party.userId,
    party.role,
    `${party.feeAtoms}`,
    `${party.feePpm}`,
    `${party.receivedBeforeAtoms}`,
  ]);
  const sums = [trade.baseAtoms, trade.quoteAtoms, trade.buyerReservedAtoms].map(String);
  return [trade.tradeId, trade.symbol, trade.baseAsset, trade.quoteAsset, ...sums, ...halves];
}

/** SHA-256 of values that were read, so that "1.0" and "1.00" are one content; lower-case hex. */
function fingerprintOf(content: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
