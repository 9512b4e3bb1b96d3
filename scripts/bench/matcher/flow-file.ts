// A flow as a file: five little-endian 32-bit integers a command: op, side, price in ticks, lots, id.
import { readFileSync, writeFileSync } from "node:fs";
import { emptyFlow, type Flow } from "./flow.js";

const FIELDS = 5;

export function writeFlow(path: string, flow: Flow): void {
  const rows = new Int32Array(flow.count * FIELDS);
  for (let at = 0; at < flow.count; at += 1) {
    const row = [flow.ops[at]!, flow.sides[at]!, flow.prices[at]!, flow.lots[at]!, flow.ids[at]!];
    rows.set(row, at * FIELDS);
  }
  writeFileSync(path, rows);
}

/** Reads a flow; throws when the file does not hold whole commands of known kinds. */
export function readFlow(path: string): Flow {
  const bytes = readFileSync(path);
  if (bytes.length === 0 || bytes.length % (4 * FIELDS) !== 0) {
    throw new Error(`${path} is no flow: its size is not a multiple of 20 bytes`);
  }
  const rows = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const flow = emptyFlow(rows.length / FIELDS);
  for (let at = 0; at < flow.count; at += 1) {
    const [op = 0, side = 0, price = 0, lots = 0, id = 0] = rows.subarray(at * FIELDS, (at + 1) * FIELDS);
    if (op < 0 || op > 3 || side < 0 || side > 1) throw new Error(`${path} is no flow: command ${at}`);
    flow.ops[at] = op;
    flow.sides[at] = side;
    flow.prices[at] = price;
    flow.lots[at] = lots;
    flow.ids[at] = id;
  }
  return flow;
}
