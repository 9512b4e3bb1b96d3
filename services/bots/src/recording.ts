// Reads a recorded feed of depth and trades (`<symbol>.jsonl.gz`, one message a line).
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import type { RecordedLevel, RecordedSide } from "./recorded-book.js";

/** One message of a recording, in its order. */
export type RecordedMessage =
  | {
      readonly type: "snapshot";
      readonly lastUpdateId: number;
      readonly bids: readonly RecordedLevel[];
      readonly asks: readonly RecordedLevel[];
    }
  | {
      readonly type: "diff";
      readonly atMs: number;
      readonly lastUpdateId: number;
      readonly levels: RecordedSide;
    }
  | {
      readonly type: "trade";
      readonly atMs: number;
      readonly price: string;
      readonly quantity: string;
      readonly isBuy: boolean;
    };

interface Payload extends RecordedSide {
  readonly e?: string;
  readonly E?: number;
  readonly T?: number;
  readonly u?: number;
  readonly p?: string;
  readonly q?: string;
  readonly m?: boolean;
}

/** The messages of a recording; what is neither depth nor trade is left out. */
export async function* readRecording(file: string): AsyncGenerator<RecordedMessage> {
  const lines = createInterface({
    input: createReadStream(file).pipe(createGunzip()),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of lines) {
    const message = parseMessage(line);
    if (message !== undefined) yield message;
  }
}

// A line is the time of receipt, a space and JSON. The venue's own clock (E, T) stands in the JSON.
function parseMessage(line: string): RecordedMessage | undefined {
  const body = JSON.parse(line.slice(line.indexOf(" ") + 1)) as {
    data?: Payload;
    lastUpdateId?: number;
    bids?: readonly RecordedLevel[];
    asks?: readonly RecordedLevel[];
  };
  if (body.lastUpdateId !== undefined) {
    return {
      type: "snapshot",
      lastUpdateId: body.lastUpdateId,
      bids: body.bids ?? [],
      asks: body.asks ?? [],
    };
  }
  return body.data === undefined ? undefined : parsePayload(body.data);
}

function parsePayload(data: Payload): RecordedMessage | undefined {
  switch (data.e) {
    case "depthUpdate":
      return { type: "diff", atMs: data.E ?? 0, lastUpdateId: data.u ?? 0, levels: data };
    case "trade":
      // `m`: the buyer was the maker, so the taker sold.
      return {
        type: "trade",
        atMs: data.T ?? 0,
        price: data.p ?? "",
        quantity: data.q ?? "",
        isBuy: data.m === false,
      };
    default:
      // The best quote, which the book has already, or something newer than this reader.
      return undefined;
  }
}
