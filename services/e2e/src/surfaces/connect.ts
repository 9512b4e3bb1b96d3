// Connect on the HTTP port, JSON and binary, written by hand so that bodies can be broken.

import { StatusSchema } from "@bourse/shared/gen/google/rpc/status_pb.js";
import { create, type JsonObject } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type Answer, type Ask, CODE_NAMES, factsOf, headersOf, jsonOf, type Surface } from "./answer.js";
import { bytesOf } from "./grpc.js";
import { type HttpAnswer, send } from "./http.js";
import { statusAnswer } from "./rest.js";

/** The Connect surface of an edge in one of its two encodings. */
export function connectSurface(httpUrl: string, encoding: "json" | "binary"): Surface {
  return {
    name: encoding === "json" ? "Connect JSON" : "Connect binary",
    encoding,
    call: async (ask) => {
      const contentType = ask.contentType ?? (encoding === "json" ? "application/json" : "application/proto");
      const answer = await send({
        url: `${httpUrl}/${ask.method.parent.typeName}/${ask.method.name}`,
        verb: "POST",
        headers: [["content-type", contentType], ["connect-protocol-version", "1"], ...headersOf(ask)],
        body: ask.raw ?? (encoding === "json" ? Buffer.from(JSON.stringify(ask.request)) : bytesOf(ask)),
      });
      return answer.status === 200 ? okAnswer(ask, answer, encoding) : errorAnswer(answer);
    },
  };
}

function okAnswer(ask: Ask, { status, headers, body }: HttpAnswer, encoding: "json" | "binary"): Answer {
  const text = encoding === "json" ? body.toString("utf8") : JSON.stringify(jsonOf(ask.method.output, body));
  const json: JsonObject = JSON.parse(text);
  return {
    code: "OK",
    http: status,
    reason: undefined,
    field: undefined,
    facts: {},
    body: json,
    headers,
    text,
  };
}

interface ConnectErrorJson {
  readonly code?: string | number;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

function errorAnswer({ status, headers, body }: HttpAnswer): Answer {
  const text = body.toString("utf8");
  const common = { http: status, body: {}, headers, text };
  if (!text.startsWith("{"))
    return { code: "NONE", reason: undefined, field: undefined, facts: {}, ...common };
  const error: ConnectErrorJson = JSON.parse(text);
  // Before a protocol is known the answer is a plain Status, as REST gives it.
  if (typeof error.code === "number") return statusAnswer({ status, headers, body });
  const details = (error.details ?? []).map(({ type, value }) =>
    create(AnySchema, { typeUrl: `type.googleapis.com/${type}`, value: Buffer.from(value, "base64") }),
  );
  return { code: codeName(error.code ?? ""), ...factsOf(create(StatusSchema, { details })), ...common };
}

/** Connect writes codes in lower case, and "canceled" with one l. */
function codeName(code: string): string {
  const name = code === "canceled" ? "CANCELLED" : code.toUpperCase();
  return CODE_NAMES.find((each) => each === name) ?? "NONE";
}
