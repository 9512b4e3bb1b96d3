// What was told against what is there.
import type { OrderRecord } from "./record.js";

/** An order as the exchange lists it. */
export interface Listed {
  readonly clientOrderId: string;
  readonly orderId: string;
  /** False for one that its shard refused: it is listed and never existed in a book. */
  readonly isAccepted: boolean;
}

export interface Verdict {
  /** Acknowledged, and not there. */
  readonly lost: number;
  /** There more than once, or there although no order was to exist. */
  readonly doubled: number;
  /** The first few in words. */
  readonly examples: readonly string[];
}

const examplesMax = 10;

/** Compares the records of one user with everything that is listed for the user. */
export function compareWords(records: readonly OrderRecord[], listed: readonly Listed[]): Verdict {
  const found = new Map<string, Listed[]>();
  for (const order of listed) {
    const same = found.get(order.clientOrderId);
    if (same === undefined) found.set(order.clientOrderId, [order]);
    else same.push(order);
  }
  const lost: string[] = [];
  const doubled: string[] = [];
  for (const { clientOrderId, outcome, reasons, symbol } of records) {
    const orders = found.get(clientOrderId) ?? [];
    const name = `${clientOrderId} (${symbol})`;
    const accepted = orders.filter(({ isAccepted }) => isAccepted);
    if (outcome === "acknowledged" && accepted.length === 0) lost.push(`lost: ${name}`);
    if (orders.length > 1)
      doubled.push(`doubled: ${name}: ${orders.map(({ orderId }) => orderId).join(", ")}`);
    else if (outcome !== "acknowledged" && outcome !== "failed" && accepted.length > 0)
      doubled.push(`exists although told ${outcome} (${reasons.join(", ")}): ${name}`);
  }
  return {
    lost: lost.length,
    doubled: doubled.length,
    examples: [...lost, ...doubled].slice(0, examplesMax),
  };
}

/** Verdicts of several users as one. */
export function sumVerdicts(verdicts: readonly Verdict[]): Verdict {
  return {
    lost: verdicts.reduce((sum, { lost }) => sum + lost, 0),
    doubled: verdicts.reduce((sum, { doubled }) => sum + doubled, 0),
    examples: verdicts.flatMap(({ examples }) => examples).slice(0, examplesMax),
  };
}
