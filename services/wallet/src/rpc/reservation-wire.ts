// Reserves and reservations: messages to domain values and back.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import {
  type ReservationSchema,
  ReservationState,
  type ReserveRequest as ReserveMessage,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FinalStatus, FullReservation } from "../core/reservation.js";
import type { ReserveRequest } from "../core/reserve.js";
import { readAsset, readCount, readOrderId, readPositiveAtoms, readUserId } from "./values.js";

const FINGERPRINT_BYTES = 32;

/** A reserve as the gateway asks for it on a stream, where an absent shard is shard 0. */
export function readReserve(message: ReserveMessage): ReserveRequest {
  return {
    orderId: readOrderId("order_id", message.orderId),
    legOf: message.legOfOrderId === "" ? undefined : readOrderId("leg_of_order_id", message.legOfOrderId),
    userId: readUserId("user_id", message.userId),
    asset: readAsset("asset", message.asset),
    amountAtoms: readPositiveAtoms("amount", message.amount),
    fingerprintHex: readFingerprint("fingerprint", message.fingerprint),
    shard: readCount("shard", message.shard ?? 0),
    terms: message.terms,
  };
}

/** SHA-256 of what a client sent, lower-case hex. */
export function readFingerprint(field: string, bytes: Uint8Array): string {
  if (bytes.length !== FINGERPRINT_BYTES) throw new DomainError("INVALID_FIELD", { field });
  return Buffer.from(bytes).toString("hex");
}

/** A reservation as callers see it. */
export function reservationMessage(reservation: FullReservation): MessageInitShape<typeof ReservationSchema> {
  const { finalWord, content } = reservation;
  return {
    orderId: reservation.orderId,
    legOfOrderId: reservation.legOf ?? "",
    userId: reservation.userId,
    state: ReservationState[reservation.state],
    asset: reservation.asset ?? "",
    amount: formatAtoms(reservation.amountAtoms),
    remaining: formatAtoms(reservation.remainingAtoms),
    joined: reservation.joinedAtoms === 0n ? "" : formatAtoms(reservation.joinedAtoms),
    ...(reservation.shard !== undefined && { shard: reservation.shard }),
    terms: content?.terms ?? new Uint8Array(),
    createdAtMs: BigInt(reservation.createdAtMs),
    ...(finalWord !== undefined && {
      finalStatus: OrderStatus[finalWord.status],
      finalReason: reasonNumber(finalWord.reason),
      executedLots: BigInt(finalWord.executedLots),
      executedTickLots: finalWord.executedTickLots.toString(),
      orderCreatedAtMs: BigInt(finalWord.orderCreatedAtMs),
      acceptedSeq: BigInt(finalWord.acceptedSeq),
      orderEndedAtMs: BigInt(finalWord.endedAtMs),
      endedSeq: BigInt(finalWord.endedSeq),
      amendedPriceTicks: BigInt(finalWord.amendedPriceTicks),
      amendedQuantityLots: BigInt(finalWord.amendedQuantityLots),
    }),
  };
}

const FINAL: Readonly<Partial<Record<OrderStatus, FinalStatus>>> = {
  [OrderStatus.FILLED]: "FILLED",
  [OrderStatus.CANCELLED]: "CANCELLED",
  [OrderStatus.EXPIRED]: "EXPIRED",
  [OrderStatus.REJECTED]: "REJECTED",
};

/** Final status of an order; refuses any other. */
export function readFinalStatus(field: string, status: OrderStatus): FinalStatus {
  const final = FINAL[status];
  if (final === undefined) throw new DomainError("INVALID_ENUM", { field });
  return final;
}

/** Name of a reason as it is stored; "" when there is none. Refuses one that this version does not know. */
export function readReason(field: string, reason: EndReason): string {
  if (reason === EndReason.UNSPECIFIED) return "";
  const name: string | undefined = EndReason[reason];
  if (name === undefined) throw new DomainError("INVALID_ENUM", { field });
  return name;
}

function reasonNumber(name: string): EndReason {
  if (name === "") return EndReason.UNSPECIFIED;
  // Written by this or an older version, so it is known.
  return EndReason[name as keyof typeof EndReason] ?? EndReason.UNSPECIFIED;
}
