import { refusedBefore } from "@bourse/shared/rpc/call.js";
// Bodies of Connect, gRPC-Web and gRPC requests, checked before the protocol library reads them: it is
// more lenient than REST and says less precisely what is wrong.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { toConnectError } from "@bourse/shared/errors/to-wire.js";
import { MESSAGE_BYTES_MAX } from "@bourse/shared/http/node-http.js";
import { readJson } from "@bourse/shared/http/strict-json.js";
import { messageOfJson } from "@bourse/shared/http/strict-message.js";
import { type DescMethod, fromBinary } from "@bufbuild/protobuf";

/** How the messages of a request are written. */
export interface BodyForm {
  readonly isJson: boolean;
  /** True when each message has a prefix of five bytes, false when the body is one message. */
  readonly isEnveloped: boolean;
}

const PREFIX_BYTES = 5;

/** Form of a body by its content type; undefined when no protocol here has it. */
export function bodyFormOf(contentType: string): BodyForm | undefined {
  const match =
    /^application\/(?:(json|proto)|(?:connect\+|grpc-web\+|grpc\+)(json|proto)|grpc|grpc-web)\s*(?:;.*)?$/i.exec(
      contentType,
    );
  if (match === null) return undefined;
  const codec = (match[1] ?? match[2] ?? "proto").toLowerCase();
  return { isJson: codec === "json", isEnveloped: match[1] === undefined };
}

/** The same bytes, once each message has been found good. Throws a ConnectError with the reason. */
export async function* checkedBody(
  body: AsyncIterable<Uint8Array>,
  method: DescMethod,
  form: BodyForm,
): AsyncGenerator<Uint8Array> {
  try {
    if (!form.isEnveloped) {
      const bytes = await wholeOf(body);
      checkMessage(method, bytes, form);
      yield bytes;
      return;
    }
    for await (const envelope of envelopesOf(body)) {
      checkMessage(method, envelope.subarray(PREFIX_BYTES), form);
      yield envelope;
    }
  } catch (error) {
    throw toConnectError(refusedBefore(method, error));
  }
}

async function wholeOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MESSAGE_BYTES_MAX) throw new DomainError("MESSAGE_TOO_LARGE");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Prefix and message together. Refuses by the announced length, before anything is kept for it. */
async function* envelopesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let buffered = Buffer.alloc(0);
  for await (const chunk of body) {
    buffered = buffered.length === 0 ? Buffer.from(chunk) : Buffer.concat([buffered, chunk]);
    while (buffered.length >= PREFIX_BYTES) {
      if ((buffered.readUInt8(0) & 1) !== 0) throw new DomainError("UNSUPPORTED_ENCODING");
      const length = PREFIX_BYTES + buffered.readUInt32BE(1);
      if (length > PREFIX_BYTES + MESSAGE_BYTES_MAX) throw new DomainError("MESSAGE_TOO_LARGE");
      if (buffered.length < length) break;
      yield buffered.subarray(0, length);
      buffered = buffered.subarray(length);
    }
  }
  if (buffered.length > 0) throw new DomainError("MALFORMED_REQUEST", { problem: "a message is cut" });
}

function checkMessage(method: DescMethod, bytes: Uint8Array, { isJson }: BodyForm): void {
  if (isJson) {
    messageOfJson(method.input, readJson(bytes));
    return;
  }
  try {
    fromBinary(method.input, bytes);
  } catch (cause) {
    throw new DomainError("MALFORMED_REQUEST", {}, { cause });
  }
}
