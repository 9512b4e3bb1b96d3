// Wire errors back to failures, for clients of other services.
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { ServiceError } from "@grpc/grpc-js";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "../gen/google/rpc/status_pb.js";
import { DomainError, type FailureReason, isFailureReason } from "./domain-error.js";

const REASON_OF_CODE: Readonly<Record<number, FailureReason>> = {
  [Code.Canceled]: "CANCELLED",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.Unavailable]: "TRANSPORT_FAILED",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.ResourceExhausted]: "MESSAGE_TOO_LARGE",
  [Code.Unauthenticated]: "UNAUTHENTICATED",
};

/**
 * The failure behind a grpc-js error. One that carries our ErrorInfo comes back whole; one of the
 * transport becomes TRANSPORT_FAILED, DEADLINE_EXCEEDED or its kin; anything else INTERNAL.
 */
export function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  const wire = error as Partial<ServiceError>;
  if (typeof wire.code !== "number") return new DomainError("INTERNAL", {}, { cause: error });
  const details = wire.metadata?.get("grpc-status-details-bin")[0];
  if (Buffer.isBuffer(details)) {
    const failure = fromStatus(fromBinary(StatusSchema, details));
    if (failure !== undefined) return failure;
  }
  return new DomainError(REASON_OF_CODE[wire.code] ?? "INTERNAL", {}, { cause: error });
}

/** The failure in a google.rpc.Status, if it carries our ErrorInfo. */
export function fromStatus(status: Status): DomainError | undefined {
  for (const detail of status.details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined && isFailureReason(info.reason))
      return new DomainError(info.reason, info.metadata);
  }
  return undefined;
}

const INFRASTRUCTURE: ReadonlySet<FailureReason> = new Set<FailureReason>([
  "TRANSPORT_FAILED",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "WALLET_UNAVAILABLE",
  "SHARD_UNAVAILABLE",
  "MARKET_DATA_UNAVAILABLE",
  "HISTORY_UNAVAILABLE",
  "DRAINING",
  "OVERLOADED",
  "OUTCOME_UNKNOWN",
  "INTERNAL",
  // A service refused this process and not its caller: its certificate, or theirs, is the wrong one.
  "FORBIDDEN",
]);

/** True when the other side or the way to it failed; false for an answer of the business. */
export function isInfrastructureFailure(error: unknown): boolean {
  return INFRASTRUCTURE.has(toDomainError(error).reason);
}
