// The wallet as the settler needs it: each call with a deadline, retried, behind the circuit breaker.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { toDomainError } from "@bourse/shared/errors/from-wire.js";
import { AmendCommandSchema, OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { EndReason, OrderStatus, TradeRole } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type {
  Position as PositionMessage,
  SettleOperationSchema,
  WalletService,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import type { CallOptions, ServiceClient } from "@bourse/shared/rpc/client.js";
import type { WalletGuard } from "@bourse/shared/runtime/wallet-guard.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import type { AdjustOperation, Operation, ReleaseOperation, TradeOperation } from "../core/operation.js";
import type { Position } from "../core/positions.js";
import type { Hold } from "../core/restore.js";

/** A settlement as the settler sends it. */
export interface Settlement {
  readonly shard: number;
  readonly epoch: number;
  readonly after: Position;
  readonly through: Position;
  readonly operations: readonly Operation[];
  /** What these records were decided on, while a wallet that was set back catches up. */
  readonly holds?: readonly Hold[];
  /** True while it catches up. */
  readonly isSetBack?: boolean;
}

/** An order or leg whose money is held although its shard has not said a word. */
export interface Orphan {
  /** The leg's own id if it is one. */
  readonly orderId: string;
  readonly userId: string;
  readonly symbol: string;
}

/** Most orphans of one answer. */
export const ORPHANS_PAGE = 100;

/** What the settler asks of the wallet. Every call may be repeated. */
export interface WalletClient {
  /** How far a shard is settled. */
  cursor(shard: number): Promise<Position>;
  /** Settles; also succeeds when an earlier attempt whose answer was lost did it. */
  settle(settlement: Settlement): Promise<void>;
  /** Orphans of a shard at least this old, oldest first, at most ORPHANS_PAGE; behind `after` if one is named. */
  orphans(shard: number, olderThanMs: number, after?: string): Promise<Orphan[]>;
  markSequenced(orderIds: readonly string[]): Promise<void>;
}

/** The wallet over gRPC. */
export function createWalletClient(
  wallet: ServiceClient<typeof WalletService>,
  options: {
    readonly guard: WalletGuard;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  },
): WalletClient {
  const { guard, timeoutMs, signal } = options;
  // A wallet that restarts within the deadline is waited for: it costs one failure, not five at once, which
  // would open the breaker for half a minute.
  const limits = { timeoutMs, signal, waitForReady: true };
  const call = <T>(run: (limits: CallOptions) => Promise<T>) => guard.retried(() => run(limits), { signal });
  return {
    cursor: async (shard) => positionOf((await call((limits) => wallet.getCursor({ shard }, limits))).cursor),
    async settle(settlement) {
      const request = { ...settlement, ...wireOf(settlement) };
      await call((limits) => wallet.settle(request, limits)).catch(doneBefore(settlement.through));
    },
    async orphans(shard, olderThanMs, afterOrderId = "") {
      const request = { shard, olderThanMs: BigInt(olderThanMs), limit: ORPHANS_PAGE, afterOrderId };
      const { reservations } = await call((limits) => wallet.listOrphans(request, limits));
      return reservations.map(({ orderId, userId, terms, legOfOrderId }) => ({
        orderId,
        userId,
        symbol: symbolOf(legOfOrderId === "" ? OrderTermsSchema : AmendCommandSchema, terms),
      }));
    },
    async markSequenced(orderIds) {
      await call((limits) => wallet.markSequenced({ orderIds: [...orderIds] }, limits));
    },
  };
}

/** Market of an order or leg; "" for terms that cannot be read, which the shard then refuses. */
function symbolOf(schema: typeof OrderTermsSchema | typeof AmendCommandSchema, terms: Uint8Array): string {
  try {
    return fromBinary<typeof OrderTermsSchema | typeof AmendCommandSchema>(schema, terms).symbol;
  } catch {
    return "";
  }
}

/** A cursor that stands where the settlement ends was moved by it: its answer was lost. */
function doneBefore(through: Position): (error: unknown) => void {
  return (error) => {
    const { reason, facts } = toDomainError(error);
    const isDone =
      reason === "SEQ_GAP" &&
      facts.epoch === String(through.epoch) &&
      facts.seq === String(through.seq) &&
      facts.operations === String(through.operations);
    if (!isDone) throw error;
  };
}

function positionOf(message: PositionMessage | undefined): Position {
  if (message === undefined) throw new DomainError("INTERNAL", { missing: "cursor" });
  return { epoch: Number(message.epoch), seq: Number(message.seq), operations: message.operations };
}

function wireOf({ epoch, after, through, operations, holds = [] }: Settlement) {
  return {
    epoch: BigInt(epoch),
    after: positionMessage(after),
    through: positionMessage(through),
    operations: operations.map(operationMessage),
    holds: holds.map(holdMessage),
  };
}

function holdMessage({ seq, orderId, legOf, userId, asset, amountAtoms, fingerprintHex, terms }: Hold) {
  const fingerprint = Buffer.from(fingerprintHex, "hex");
  const held = { orderId, userId, asset: asset ?? "", amount: formatAtoms(amountAtoms), fingerprint, terms };
  return { seq: BigInt(seq), reserve: { ...held, legOfOrderId: legOf ?? "" } };
}

function positionMessage({ epoch, seq, operations }: Position) {
  return { epoch: BigInt(epoch), seq: BigInt(seq), operations };
}

type OperationMessage = MessageInitShape<typeof SettleOperationSchema>;

function operationMessage({ seq, index, timeMs, effect }: Operation): OperationMessage {
  return { seq: BigInt(seq), index, timeMs: BigInt(timeMs), kind: kindOf(effect) };
}

function kindOf(effect: Operation["effect"]): NonNullable<OperationMessage["kind"]> {
  switch (effect.type) {
    case "trade":
      return { case: "trade", value: tradeMessage(effect) };
    case "release":
      return { case: "release", value: releaseMessage(effect) };
    case "adjust":
      return { case: "adjust", value: adjustMessage(effect) };
    case "mark":
      return { case: "mark", value: { orderId: effect.orderId } };
  }
}

function tradeMessage({ buyer, seller, ...trade }: TradeOperation) {
  return {
    tradeId: trade.tradeId,
    symbol: trade.symbol,
    baseAsset: trade.baseAsset,
    quoteAsset: trade.quoteAsset,
    baseAmount: formatAtoms(trade.baseAtoms),
    quoteAmount: formatAtoms(trade.quoteAtoms),
    buyerReservedAmount: formatAtoms(trade.buyerReservedAtoms),
    buyOrderId: buyer.orderId,
    sellOrderId: seller.orderId,
    buyerUserId: buyer.userId,
    sellerUserId: seller.userId,
    buyerFee: formatAtoms(buyer.feeAtoms),
    sellerFee: formatAtoms(seller.feeAtoms),
    buyerRole: TradeRole[buyer.role],
    buyerReceivedBefore: formatAtoms(buyer.receivedBeforeAtoms),
    sellerReceivedBefore: formatAtoms(seller.receivedBeforeAtoms),
    buyerFeePpm: buyer.feePpm,
    sellerFeePpm: seller.feePpm,
  };
}

function releaseMessage(release: ReleaseOperation) {
  return {
    orderId: release.orderId,
    userId: release.userId,
    status: OrderStatus[release.status],
    reason:
      release.reason === "" ? EndReason.UNSPECIFIED : EndReason[release.reason as keyof typeof EndReason],
    executedLots: BigInt(release.executedLots),
    executedTickLots: release.executedTickLots.toString(),
    orderCreatedAtMs: BigInt(release.orderCreatedAtMs),
    acceptedSeq: BigInt(release.acceptedSeq),
    amendedPriceTicks: BigInt(release.amendedPriceTicks),
    amendedQuantityLots: BigInt(release.amendedQuantityLots),
    legOfOrderId: release.legOf ?? "",
    wasReserved: release.wasReserved ?? false,
  };
}

function adjustMessage({ orderId, userId, legId, remainingAtoms, legWasReserved = false }: AdjustOperation) {
  return { orderId, userId, legId: legId ?? "", remaining: formatAtoms(remainingAtoms), legWasReserved };
}
