// gRPC-Web on the HTTP port, frames written and read by hand.

import { StatusSchema } from "@bourse/shared/gen/google/rpc/status_pb.js";
import { fromBinary } from "@bufbuild/protobuf";
import { type Answer, type Ask, CODE_NAMES, factsOf, headersOf, jsonOf, type Surface } from "./answer.js";
import { bytesOf } from "./grpc.js";
import { type HttpAnswer, send } from "./http.js";

const TRAILER_FLAG = 0x80;
const PREFIX_BYTES = 5;

/** The gRPC-Web surface of an edge. */
export function grpcWebSurface(httpUrl: string): Surface {
  return {
    name: "gRPC-Web",
    encoding: "binary",
    call: async (ask) => {
      const answer = await send({
        url: `${httpUrl}/${ask.method.parent.typeName}/${ask.method.name}`,
        verb: "POST",
        headers: [
          ["content-type", ask.contentType ?? "application/grpc-web+proto"],
          ["x-grpc-web", "1"],
          ...headersOf(ask),
        ],
        body: frameOf(ask.raw ?? bytesOf(ask)),
      });
      return answerOf(ask, answer);
    },
  };
}

function frameOf(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function answerOf(ask: Ask, { status, headers, body }: HttpAnswer): Answer {
  const { message, trailers } = split(body);
  // An answer without a message may carry its trailers as headers.
  const all = { ...headers, ...trailers };
  const code =
    all["grpc-status"] === undefined ? "NONE" : (CODE_NAMES[Number(all["grpc-status"])] ?? "UNKNOWN");
  if (code === "OK") {
    const json = jsonOf(ask.method.output, message ?? new Uint8Array());
    const text = JSON.stringify(json);
    return {
      code,
      http: status,
      reason: undefined,
      field: undefined,
      facts: {},
      body: json,
      headers: all,
      text,
    };
  }
  const details = all["grpc-status-details-bin"];
  const wire = details === undefined ? undefined : fromBinary(StatusSchema, Buffer.from(details, "base64"));
  const known = wire === undefined ? { reason: undefined, field: undefined, facts: {} } : factsOf(wire);
  const text = `${all["grpc-message"] ?? ""} ${wire?.message ?? ""} ${JSON.stringify(known)} ${code === "NONE" ? body.toString("utf8") : ""}`;
  return { code, http: status, ...known, body: {}, headers: all, text };
}

function split(body: Buffer): { message?: Buffer; trailers: Record<string, string> } {
  let message: Buffer | undefined;
  let trailers: Record<string, string> = {};
  for (let at = 0; at + PREFIX_BYTES <= body.length; ) {
    const end = at + PREFIX_BYTES + body.readUInt32BE(at + 1);
    const content = body.subarray(at + PREFIX_BYTES, end);
    if ((body.readUInt8(at) & TRAILER_FLAG) !== 0) trailers = trailersOf(content.toString("latin1"));
    else message = content;
    at = end;
  }
  return message === undefined ? { trailers } : { message, trailers };
}

function trailersOf(text: string): Record<string, string> {
  const lines = text.split("\r\n").filter((line) => line.includes(":"));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
}
