// One line per order: what was asked, when, how often, and what the final word was.

/**
 * The final word. `acknowledged`: the order exists. `rejected`: its shard refused it, durably.
 * `tombstone`: nobody looked at it in time, so it never will exist, and the same order goes out again
 * under another id. `refused`: no order exists under the id and none will (NOT_ACCEPTED). `failed`: an
 * error that repeating cannot change and that says nothing of the kind.
 */
export type Outcome = "acknowledged" | "rejected" | "tombstone" | "refused" | "failed";

export interface OrderRecord {
  readonly clientOrderId: string;
  readonly userId: string;
  readonly symbol: string;
  readonly shard: number;
  /** When the order was due, milliseconds since 1970 UTC; under a new id still that of the first. */
  readonly startMs: number;
  /** When it was first sent: later than it was due while too many others were on their way. */
  readonly sentMs: number;
  /** When the final word came, milliseconds since 1970 UTC. */
  readonly endMs: number;
  readonly attempts: number;
  readonly outcome: Outcome;
  /** Reasons of the failures on the way and of the final one, each once. */
  readonly reasons: readonly string[];
}

export const recordHeader =
  "client_order_id,user_id,symbol,shard,start_ms,sent_ms,end_ms,attempts,outcome,reasons";

/** A record as a line of the file. */
export function formatRecord(record: OrderRecord): string {
  const { clientOrderId, userId, symbol, shard, startMs, sentMs, endMs, attempts, outcome, reasons } = record;
  const times = [startMs, sentMs, endMs].map((ms) => ms.toFixed(1));
  return [clientOrderId, userId, symbol, shard, ...times, attempts, outcome, reasons.join("|")].join(",");
}

/** The records of a file; a last line without its end, still being written, is left out. */
export function parseRecords(text: string): OrderRecord[] {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line !== "" && line !== recordHeader).map(parseRecord);
}

function parseRecord(line: string): OrderRecord {
  const fields = line.split(",");
  if (fields.length !== 10) throw new Error(`no record of an order: ${line}`);
  const [
    clientOrderId = "",
    userId = "",
    symbol = "",
    shard,
    startMs,
    sentMs,
    endMs,
    attempts,
    outcome,
    reasons,
  ] = fields;
  return {
    clientOrderId,
    userId,
    symbol,
    shard: Number(shard),
    startMs: Number(startMs),
    sentMs: Number(sentMs),
    endMs: Number(endMs),
    attempts: Number(attempts),
    outcome: outcome as Outcome,
    reasons: (reasons ?? "").split("|").filter((reason) => reason !== ""),
  };
}
