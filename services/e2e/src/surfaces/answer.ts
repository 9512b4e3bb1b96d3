// One form for what every surface answers, so that a test can compare them.

import {
  BadRequestSchema,
  ErrorInfoSchema,
  file_google_rpc_error_details,
} from "@bourse/shared/gen/google/rpc/error_details_pb.js";
import type { Status } from "@bourse/shared/gen/google/rpc/status_pb.js";
import {
  createRegistry,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type JsonObject,
  toJson,
} from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";

/** gRPC status names by their numbers. */
export const CODE_NAMES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** What a surface answered to a call. */
export interface Answer {
  /** gRPC status name; "NONE" when an HTTP answer carries no status. */
  readonly code: string;
  /** HTTP status; undefined on gRPC. */
  readonly http: number | undefined;
  readonly reason: string | undefined;
  readonly field: string | undefined;
  /** ErrorInfo metadata. */
  readonly facts: Readonly<Record<string, string>>;
  /** The response as proto JSON; empty after an error. */
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** All that came, for the search for what must not be in it. */
  readonly text: string;
}

/** A call as a test states it. */
export interface Ask {
  readonly method: DescMethodUnary;
  /** Request as proto JSON; values need not be legal. */
  readonly request: JsonObject;
  /** Bearer token; none when undefined. */
  readonly token?: string | undefined;
  /** More headers, repeated ones included. */
  readonly headers?: readonly (readonly [string, string])[];
  /** Bytes to send instead of the request, in the encoding of the surface. */
  readonly raw?: Uint8Array | undefined;
  readonly contentType?: string | undefined;
}

/** One way to make a call. */
export interface Surface {
  readonly name: SurfaceName;
  readonly encoding: "json" | "binary";
  call(ask: Ask): Promise<Answer>;
}

export type SurfaceName = "gRPC" | "OrderEntry" | "Connect JSON" | "Connect binary" | "gRPC-Web" | "REST";

/** Reason, field and facts of an error's details. */
export function factsOf(status: Status): Pick<Answer, "reason" | "field" | "facts"> {
  let reason: string | undefined;
  let field: string | undefined;
  let facts: Readonly<Record<string, string>> = {};
  for (const detail of status.details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) ({ reason, metadata: facts } = info);
    const violations = anyUnpack(detail, BadRequestSchema)?.fieldViolations ?? [];
    if (violations.length > 0) field = violations[0]?.field;
  }
  return { reason, field, facts };
}

/** The messages that the details of errors are. */
export const errorDetails = createRegistry(file_google_rpc_error_details);

/** A response in binary form as proto JSON with everything written out. */
export function jsonOf(schema: DescMessage, bytes: Uint8Array): JsonObject {
  return toJson(schema, fromBinary(schema, bytes), {
    registry: errorDetails,
    alwaysEmitImplicit: true,
  }) as JsonObject;
}

/** Headers of a call: the token, then what the test adds. */
export function headersOf(ask: Ask): [string, string][] {
  const authorization: [string, string][] =
    ask.token === undefined ? [] : [["authorization", `Bearer ${ask.token}`]];
  return [...authorization, ...(ask.headers ?? []).map(([name, value]): [string, string] => [name, value])];
}
