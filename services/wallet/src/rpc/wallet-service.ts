// WalletService on the wire: messages in, domain values through, messages out. Decides nothing.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import { sayingOutcome } from "@bourse/shared/rpc/outcome.js";
import type { Position } from "../core/positions.js";
import type { ReleaseCall } from "../core/release-call.js";
import type { FullReservation } from "../core/reservation.js";
import type { Released } from "../flow/release.js";
import type { SettleBatch } from "../flow/settle.js";
import type { SettledByCall, SettleTradeCall } from "../flow/settle-trade.js";
import {
  readReleaseCall,
  readReserveCall,
  readSettleTradeCall,
  releaseMessage,
  settledMessage,
} from "./call-wire.js";
import { reservationMessage } from "./reservation-wire.js";
import { type Reserve, refusalOf, reserveStream } from "./reserve-stream.js";
import { positionMessage, readSettle } from "./settle-wire.js";
import { readCount, readOrderId } from "./values.js";

/** What the service needs from the flows. */
export interface WalletFlows {
  readonly reserve: Reserve;
  readonly getReservation: (orderId: string) => Promise<FullReservation | undefined>;
  /** Refuses an asset that nobody ever had, ASSET_NOT_FOUND. */
  readonly checkAsset: (field: string, asset: string) => Promise<void>;
  /** Refuses a shard that no settler follows, INVALID_FIELD, unless the order is stored already. */
  readonly checkShard: (shard: number, orderId: string) => Promise<void>;
  readonly release: (call: ReleaseCall) => Promise<Released>;
  readonly settleTrade: (call: SettleTradeCall) => Promise<SettledByCall>;
  readonly settle: (batch: SettleBatch) => Promise<Position>;
  readonly getCursor: (
    shard: number,
  ) => Promise<{ readonly position: Position; readonly storedEpoch: number }>;
  readonly listOrphans: (query: {
    readonly shard: number;
    readonly olderThanMs: number;
    readonly limit: number;
    /** The reservation behind which the list goes on. */
    readonly after: string | undefined;
  }) => Promise<FullReservation[]>;
  readonly noteSequenced: (orderIds: readonly string[]) => Promise<void>;
}

const MARKS_MAX = 1_000;

/** WalletService over the flows. */
export function walletService(flows: WalletFlows, options: { streamUnansweredMax: number }): ServiceEntry {
  const entry = implement(WalletService, {
    async reserve(request) {
      const reserve = readReserveCall(request);
      // Of a shard's reserve the edge knows whether a market trades the asset.
      if (reserve.shard === undefined) await flows.checkAsset("asset", reserve.asset);
      else await flows.checkShard(reserve.shard, reserve.orderId);
      const answered = await flows.reserve(reserve);
      if (answered.type !== "held") throw refusalOf(answered);
      return { reservation: reservationMessage(answered.reservation), replayed: answered.isReplayed };
    },
    reserveStream: (requests) => reserveStream(flows.reserve, options.streamUnansweredMax, requests),
    async getReservation(request) {
      const orderId = readOrderId("order_id", request.orderId);
      const reservation = await flows.getReservation(orderId);
      if (reservation === undefined) throw new DomainError("RESERVATION_NOT_FOUND", { order_id: orderId });
      return { reservation: reservationMessage(reservation) };
    },
    release: async (request) => releaseMessage(await flows.release(readReleaseCall(request))),
    async settleTrade(request) {
      const call = readSettleTradeCall(request);
      await flows.checkAsset("trade.base_asset", call.trade.baseAsset);
      await flows.checkAsset("trade.quote_asset", call.trade.quoteAsset);
      return settledMessage(call, await flows.settleTrade(call));
    },
    async settle(request) {
      return { cursor: positionMessage(await flows.settle(readSettle(request))) };
    },
    async getCursor(request) {
      const { position, storedEpoch } = await flows.getCursor(readCount("shard", request.shard));
      return { cursor: positionMessage(position), epoch: BigInt(storedEpoch) };
    },
    async listOrphans(request) {
      const orphans = await flows.listOrphans({
        shard: readCount("shard", request.shard),
        olderThanMs: readCount("older_than_ms", request.olderThanMs),
        limit: readCount("limit", request.limit),
        after: request.afterOrderId === "" ? undefined : readOrderId("after_order_id", request.afterOrderId),
      });
      return { reservations: orphans.map(reservationMessage) };
    },
    async markSequenced(request) {
      if (request.orderIds.length > MARKS_MAX) throw new DomainError("INVALID_FIELD", { field: "order_ids" });
      await flows.noteSequenced(request.orderIds.map((orderId) => readOrderId("order_ids", orderId)));
      return {};
    },
  });
  return sayingOutcome(entry);
}
