// WalletService on the wire: messages in, domain values through, messages out. Decides nothing.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import type { Position } from "../core/positions.js";
import type { FullReservation } from "../core/reservation.js";
import type { SettleBatch } from "../flow/settle.js";
import { readReserve, reservationMessage } from "./reservation-wire.js";
import { type Reserve, refusalOf, reserveStream } from "./reserve-stream.js";
import { positionMessage, readSettle } from "./settle-wire.js";
import { readCount, readOrderId } from "./values.js";

/** What the service needs from the flows. */
export interface WalletFlows {
  readonly reserve: Reserve;
  readonly getReservation: (orderId: string) => Promise<FullReservation | undefined>;
  readonly settle: (batch: SettleBatch) => Promise<Position>;
  readonly getCursor: (
    shard: number,
  ) => Promise<{ readonly position: Position; readonly storedEpoch: number }>;
  readonly listOrphans: (query: {
    shard: number;
    olderThanMs: number;
    limit: number;
  }) => Promise<FullReservation[]>;
  readonly noteSequenced: (orderIds: readonly string[]) => Promise<void>;
}

const MARKS_MAX = 1_000;

/** WalletService over the flows. */
export function walletService(flows: WalletFlows, options: { streamUnansweredMax: number }): ServiceEntry {
  return implement(WalletService, {
    async reserve(request) {
      const answered = await flows.reserve(readReserve(request));
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
      });
      return { reservations: orphans.map(reservationMessage) };
    },
    async markSequenced(request) {
      if (request.orderIds.length > MARKS_MAX) throw new DomainError("INVALID_FIELD", { field: "order_ids" });
      await flows.noteSequenced(request.orderIds.map((orderId) => readOrderId("order_ids", orderId)));
      return {};
    },
  });
}
