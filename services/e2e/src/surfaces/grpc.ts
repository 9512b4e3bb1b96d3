// The gRPC port, by grpc-js with bytes in and bytes out.

import { StatusSchema } from "@bourse/shared/gen/google/rpc/status_pb.js";
import { openChannel } from "@bourse/shared/rpc/client.js";
import { fromBinary, fromJson, toBinary } from "@bufbuild/protobuf";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { type Answer, type Ask, CODE_NAMES, factsOf, headersOf, jsonOf, type Surface } from "./answer.js";

/** The gRPC surface of an edge, and what closes its connection. */
export function grpcSurface(address: string): Surface & { close(): void } {
  const channel = openChannel(address);
  return {
    name: "gRPC",
    encoding: "binary",
    call: (ask) =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        for (const [name, value] of headersOf(ask)) metadata.add(name, value);
        channel.makeUnaryRequest(
          `/${ask.method.parent.typeName}/${ask.method.name}`,
          (bytes: Buffer) => bytes,
          (bytes: Buffer) => bytes,
          Buffer.from(ask.raw ?? bytesOf(ask)),
          metadata,
          { deadline: Date.now() + 20_000 },
          (error, bytes) =>
            resolve(error === null ? okAnswer(ask, bytes ?? Buffer.alloc(0)) : errorAnswer(error)),
        );
      }),
    close: () => channel.close(),
  };
}

/** The request in binary form. */
export function bytesOf(ask: Ask): Uint8Array {
  return toBinary(ask.method.input, fromJson(ask.method.input, ask.request, { ignoreUnknownFields: true }));
}

function okAnswer(ask: Ask, bytes: Buffer): Answer {
  const body = jsonOf(ask.method.output, bytes);
  const text = JSON.stringify(body);
  return {
    code: "OK",
    http: undefined,
    reason: undefined,
    field: undefined,
    facts: {},
    body,
    headers: {},
    text,
  };
}

function errorAnswer(error: ServiceError): Answer {
  const [details] = error.metadata.get("grpc-status-details-bin");
  const status = Buffer.isBuffer(details) ? fromBinary(StatusSchema, details) : undefined;
  const known = status === undefined ? { reason: undefined, field: undefined, facts: {} } : factsOf(status);
  const headers = Object.fromEntries(
    Object.entries(error.metadata.getMap()).map(([name, value]) => [name, `${value}`]),
  );
  const text = `${error.details} ${JSON.stringify(known)} ${status?.message ?? ""}`;
  return { code: CODE_NAMES[error.code] ?? "UNKNOWN", http: undefined, ...known, body: {}, headers, text };
}
