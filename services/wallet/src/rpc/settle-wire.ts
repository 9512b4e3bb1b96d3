// Settle: operations and positions of the wire to domain values and back.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { TradeRole } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type {
  AdjustOrder,
  HeldOrder,
  Position as PositionMessage,
  PositionSchema,
  ReleaseOrder,
  SettleOperation,
  SettleRequest,
  SettleTrade,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AdjustOperation,
  Operation,
  PartyOfTrade,
  ReleaseOperation,
  TradeOperation,
} from "../core/operation.js";
import type { Position } from "../core/positions.js";
import type { Hold } from "../core/restore.js";
import type { SettleBatch } from "../flow/settle.js";
import { readFinalStatus, readFingerprint, readReason } from "./reservation-wire.js";
import {
  readAsset,
  readAtoms,
  readCount,
  readOrderId,
  readPositiveAtoms,
  readPpm,
  readUserId,
  readUuid,
  readWhole,
} from "./values.js";

/** The next part of a shard's history. */
export function readSettle(message: SettleRequest): SettleBatch {
  return {
    shard: readCount("shard", message.shard),
    epoch: readCount("epoch", message.epoch),
    after: readPosition("after", message.after),
    through: readPosition("through", message.through),
    operations: message.operations.map(readOperation),
    holds: message.holds.map(readHold),
    isSetBack: message.isSetBack,
  };
}

function readHold({ seq, reserve }: HeldOrder): Hold {
  if (reserve === undefined) throw new DomainError("FIELD_REQUIRED", { field: "holds.reserve" });
  const { legOfOrderId, asset, fingerprint, terms } = reserve;
  return {
    seq: readCount("holds.seq", seq),
    orderId: readOrderId("holds.order_id", reserve.orderId),
    legOf: legOfOrderId === "" ? undefined : readOrderId("holds.leg_of_order_id", legOfOrderId),
    userId: readUserId("holds.user_id", reserve.userId),
    asset: asset === "" ? undefined : readAsset("holds.asset", asset),
    amountAtoms: readPositiveAtoms("holds.amount", reserve.amount),
    fingerprintHex: readFingerprint("holds.fingerprint", fingerprint),
    terms,
  };
}

function readPosition(field: string, message: PositionMessage | undefined): Position {
  if (message === undefined) throw new DomainError("FIELD_REQUIRED", { field });
  return {
    epoch: readCount(`${field}.epoch`, message.epoch),
    seq: readCount(`${field}.seq`, message.seq),
    operations: readCount(`${field}.operations`, message.operations),
  };
}

export function positionMessage({
  epoch,
  seq,
  operations,
}: Position): MessageInitShape<typeof PositionSchema> {
  return { epoch: BigInt(epoch), seq: BigInt(seq), operations };
}

function readOperation(message: SettleOperation): Operation {
  return {
    seq: readCount("operations.seq", message.seq),
    index: readCount("operations.index", message.index),
    timeMs: readCount("operations.time_ms", message.timeMs),
    effect: readEffect(message),
  };
}

function readEffect({ kind }: SettleOperation): Operation["effect"] {
  switch (kind.case) {
    case "trade":
      return readTrade(kind.value);
    case "release":
      return readRelease(kind.value);
    case "adjust":
      return readAdjust(kind.value);
    case "mark":
      return { type: "mark", orderId: readOrderId("mark.order_id", kind.value.orderId) };
    case undefined:
      throw new DomainError("FIELD_REQUIRED", { field: "operations.kind" });
  }
}

/** The trade of a shard's record, or of a call. */
export function readTrade(trade: SettleTrade): TradeOperation {
  const buyerRole = trade.buyerRole;
  if (buyerRole !== TradeRole.MAKER && buyerRole !== TradeRole.TAKER) {
    throw new DomainError("INVALID_ENUM", { field: "trade.buyer_role" });
  }
  const buyer: PartyOfTrade = {
    orderId: readOrderId("trade.buy_order_id", trade.buyOrderId),
    userId: readUserId("trade.buyer_user_id", trade.buyerUserId),
    role: buyerRole === TradeRole.MAKER ? "MAKER" : "TAKER",
    feeAtoms: readAtoms("trade.buyer_fee", trade.buyerFee),
    feePpm: readPpm("trade.buyer_fee_ppm", trade.buyerFeePpm),
    receivedBeforeAtoms: readAtoms("trade.buyer_received_before", trade.buyerReceivedBefore),
  };
  const seller: PartyOfTrade = {
    orderId: readOrderId("trade.sell_order_id", trade.sellOrderId),
    userId: readUserId("trade.seller_user_id", trade.sellerUserId),
    role: buyerRole === TradeRole.MAKER ? "TAKER" : "MAKER",
    feeAtoms: readAtoms("trade.seller_fee", trade.sellerFee),
    feePpm: readPpm("trade.seller_fee_ppm", trade.sellerFeePpm),
    receivedBeforeAtoms: readAtoms("trade.seller_received_before", trade.sellerReceivedBefore),
  };
  return {
    type: "trade",
    tradeId: readUuid("trade.trade_id", trade.tradeId),
    symbol: trade.symbol,
    baseAsset: readAsset("trade.base_asset", trade.baseAsset),
    quoteAsset: readAsset("trade.quote_asset", trade.quoteAsset),
    baseAtoms: readAtoms("trade.base_amount", trade.baseAmount),
    quoteAtoms: readAtoms("trade.quote_amount", trade.quoteAmount),
    buyerReservedAtoms: readAtoms("trade.buyer_reserved_amount", trade.buyerReservedAmount),
    buyer,
    seller,
  };
}

function readRelease(release: ReleaseOrder): ReleaseOperation {
  return {
    type: "release",
    orderId: readOrderId("release.order_id", release.orderId),
    userId: readUserId("release.user_id", release.userId),
    status: readFinalStatus("release.status", release.status),
    reason: readReason("release.reason", release.reason),
    executedLots: readCount("release.executed_lots", release.executedLots),
    executedTickLots: readWhole("release.executed_tick_lots", release.executedTickLots),
    orderCreatedAtMs: readCount("release.order_created_at_ms", release.orderCreatedAtMs),
    acceptedSeq: readCount("release.accepted_seq", release.acceptedSeq),
    amendedPriceTicks: readCount("release.amended_price_ticks", release.amendedPriceTicks),
    amendedQuantityLots: readCount("release.amended_quantity_lots", release.amendedQuantityLots),
    legOf:
      release.legOfOrderId === "" ? undefined : readOrderId("release.leg_of_order_id", release.legOfOrderId),
    wasReserved: release.wasReserved,
  };
}

function readAdjust(adjust: AdjustOrder): AdjustOperation {
  return {
    type: "adjust",
    orderId: readOrderId("adjust.order_id", adjust.orderId),
    userId: readUserId("adjust.user_id", adjust.userId),
    legId: adjust.legId === "" ? undefined : readOrderId("adjust.leg_id", adjust.legId),
    remainingAtoms: readAtoms("adjust.remaining", adjust.remaining),
    legWasReserved: adjust.legWasReserved,
  };
}
