/**
 * Rows to one array per column, for `unnest` in set-based SQL, as PostgreSQL writes arrays. The driver would do
 * the same from arrays of values, at several times the cost. No rows give `width` empty arrays; null and undefined
 * are NULL, bytes are bytea.
 */
export function columns<T>(
  rows: readonly T[],
  width: number,
  pick: (row: T) => readonly unknown[],
): string[] {
  const elements: string[][] = Array.from({ length: width }, () => []);
  for (const row of rows) {
    const cells = pick(row);
    for (let index = 0; index < width; index += 1) elements[index]?.push(elementOf(cells[index]));
  }
  return elements.map((column) => `{${column.join(",")}}`);
}

function elementOf(cell: unknown): string {
  if (typeof cell === "string") return quoted(cell);
  if (cell === null || cell === undefined) return "NULL";
  if (cell instanceof Uint8Array) return `"\\\\x${hexOf(cell)}"`;
  return String(cell);
}

/** Quotes keep "NULL", commas and an empty text what they are. */
function quoted(text: string): string {
  if (!text.includes('"') && !text.includes("\\")) return `"${text}"`;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
