// Plain HTTP with nothing added: repeated headers, odd methods and broken bodies go out as they are.
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";

/** An HTTP answer, read to its end. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** Sends one request on a connection of its own and reads the answer. */
export async function send(options: {
  readonly url: string;
  readonly verb: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Uint8Array | undefined;
}): Promise<HttpAnswer> {
  const { url, verb, headers, body } = options;
  const grouped: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const before = grouped[name];
    grouped[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  if (body !== undefined) grouped["content-length"] = `${body.length}`;
  const target = new URL(url);
  // The path is given apart, since URL would tidy `..` and its kin away.
  const path = url.slice(target.origin.length);
  const call = request({
    host: target.hostname,
    port: target.port,
    path,
    method: verb,
    headers: grouped,
    agent: false,
  });
  // A server that refuses early closes while the body is still being written; its answer counts.
  const failed = new Promise<never>((_resolve, reject) => call.once("error", reject));
  const answered = once(call, "response") as Promise<[IncomingMessage]>;
  call.end(body);
  const [response] = await Promise.race([answered, failed]);
  call.on("error", () => undefined);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: joined(response), body: Buffer.concat(chunks) };
}

function joined(response: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : value,
    ]),
  );
}
