// The one place where a failure becomes a wire error. What is not ours leaves as "internal".
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { Metadata, type ServerErrorResponse } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "../gen/google/rpc/status_pb.js";
import { DomainError, type FailureReason, failures, type StatusName } from "./domain-error.js";

/** gRPC status codes by name; gRPC and Connect number them alike. */
export const codes: Readonly<Record<StatusName, Code>> = {
  CANCELLED: Code.Canceled,
  INVALID_ARGUMENT: Code.InvalidArgument,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  PERMISSION_DENIED: Code.PermissionDenied,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  ABORTED: Code.Aborted,
  OUT_OF_RANGE: Code.OutOfRange,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
  UNAVAILABLE: Code.Unavailable,
  UNAUTHENTICATED: Code.Unauthenticated,
};

const HTTP_STATUS: Readonly<Record<number, number>> = {
  [Code.Canceled]: 499,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.Unauthenticated]: 401,
};

/** Reasons whose HTTP status is more precise than their gRPC code's. */
const HTTP_STATUS_OF_REASON: Partial<Record<FailureReason, number>> = {
  MESSAGE_TOO_LARGE: 413,
  SHARD_READ_ONLY: 503,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNSUPPORTED_ENCODING: 415,
  METHOD_NOT_ALLOWED: 405,
  UNIMPLEMENTED: 404,
};

/** The failure that the outside sees: ours as it is, anything else as INTERNAL without a word of it. */
export function failureOf(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  return new DomainError("INTERNAL", {}, { cause: error });
}

/** google.rpc.Status with ErrorInfo, and BadRequest or RetryInfo where the facts name a field or a delay. */
export function toStatus(error: unknown): Status {
  const failure = failureOf(error);
  const { field, problem, retry_after_ms: retryAfterMs } = failure.facts;
  const details = [
    anyPack(
      ErrorInfoSchema,
      create(ErrorInfoSchema, { reason: failure.reason, domain: "bourse", metadata: { ...failure.facts } }),
    ),
  ];
  if (field !== undefined) {
    const fieldViolations = [{ field, description: problem ?? failure.message, reason: failure.reason }];
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (retryAfterMs !== undefined) {
    const ms = Number(retryAfterMs);
    const retryDelay = { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round(ms % 1000) * 1_000_000 };
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  return create(StatusSchema, { code: codeOf(failure), message: failure.message, details });
}

/** The failure as grpc-js answers it, details in `grpc-status-details-bin`. */
export function toGrpcError(error: unknown): ServerErrorResponse {
  const status = toStatus(error);
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
  const allowance = allowanceOf(failureOf(error));
  if (allowance !== undefined) metadata.set("ratelimit", allowance);
  return { name: "Error", message: status.message, code: status.code, details: status.message, metadata };
}

/** The failure as Connect and gRPC-Web answer it. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const status = toStatus(error);
  const wire = new ConnectError(status.message, status.code, undefined, undefined, error);
  wire.details = status.details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  return wire;
}

/** What a header or trailer `ratelimit` says with a refusal by a limit; undefined for other failures. */
export function allowanceOf({ reason, facts }: DomainError): string | undefined {
  const { limit, remaining, reset } = facts;
  if (reason !== "RATE_LIMITED" || limit === undefined) return undefined;
  return `limit=${limit}, remaining=${remaining}, reset=${reset}`;
}

/** gRPC status code of a failure. */
export function codeOf(failure: DomainError): Code {
  // A deadline that passed in doubt keeps its own code; the reason is the same.
  if (failure.reason === "OUTCOME_UNKNOWN" && failure.facts.cause === "DEADLINE_EXCEEDED")
    return Code.DeadlineExceeded;
  return codes[failures[failure.reason].status];
}

/** HTTP status of a failure by the standard mapping. */
export function httpStatusOf(failure: DomainError): number {
  return HTTP_STATUS_OF_REASON[failure.reason] ?? HTTP_STATUS[codeOf(failure)] ?? 500;
}
