// Requests of node:http and node:http2 alike.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { DomainError } from "../errors/domain-error.js";

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** Largest message that is read, bytes. */
export const MESSAGE_BYTES_MAX = 64 * 1024;

/** A request header as it came, several values joined by ", "; node drops the second of some. */
export function headerOf(request: HttpRequest, name: string): string | undefined {
  const { rawHeaders } = request;
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const value = rawHeaders[index + 1];
    if (rawHeaders[index]?.toLowerCase() === name && value !== undefined) values.push(value);
  }
  return values.length === 0 ? undefined : values.join(", ");
}

/** Path and query of a request as they came: nothing decoded, nothing resolved. */
export function targetOf(request: HttpRequest): { path: string; query: string } {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  return mark < 0 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** The whole body. Refuses above the limit without reading on: MESSAGE_TOO_LARGE. */
export async function readBody(request: HttpRequest, bytesMax = MESSAGE_BYTES_MAX): Promise<Buffer> {
  if (Number(headerOf(request, "content-length") ?? 0) > bytesMax) throw new DomainError("MESSAGE_TOO_LARGE");
  const chunks: Buffer[] = [];
  let size = 0;
  // Without `destroyOnReturn: false` a refusal would end the connection before its answer is out.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bytesMax) throw new DomainError("MESSAGE_TOO_LARGE");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Ends the connection with the answer when some of the request was not read. Nobody reads on after a
 * refusal, so the next request on that connection would wait behind the rest until it times out.
 */
export function closeUnlessRead(response: HttpResponse): void {
  if ("shouldKeepAlive" in response && !response.req.complete) response.shouldKeepAlive = false;
}

/** Aborts when the caller goes away before its answer is complete. */
export function goneSignal(response: HttpResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new DomainError("CANCELLED"));
  });
  return gone.signal;
}
