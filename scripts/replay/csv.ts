import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** One row: text by column name. */
export type Row<Column extends string> = { readonly [name in Column]: string };

/** Reads a gzipped text file; throws with its name when it is absent or no gzip. */
export function readGzipText(path: string): string {
  try {
    return gunzipSync(readFileSync(path)).toString("utf8");
  } catch (cause) {
    throw new Error(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** The lines of a text that ends with a line feed or without one; empty lines are left out. */
export function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== "");
}

/**
 * Parses comma-separated text whose first line names the columns. The files hold ids, words and
 * numbers only, so quotes are refused rather than half understood. Columns that are not asked for
 * are passed over; an absent column or a row of another length is an error that names the line.
 */
export function parseCsv<Column extends string>(
  name: string,
  text: string,
  columns: readonly Column[],
): Row<Column>[] {
  const [header, ...lines] = linesOf(text);
  if (header === undefined) throw new Error(`${name}: empty, not even a header`);
  if (text.includes('"')) throw new Error(`${name}: quoted fields are not supported`);
  const names = header.split(",");
  const picks = columns.map((column) => {
    const at = names.indexOf(column);
    if (at < 0) throw new Error(`${name}: column "${column}" is missing`);
    return [column, at] as const;
  });
  return lines.map((line, index) => {
    const fields = line.split(",");
    if (fields.length !== names.length) {
      throw new Error(`${name}, line ${index + 2}: ${fields.length} fields instead of ${names.length}`);
    }
    return Object.fromEntries(picks.map(([column, at]) => [column, fields[at]])) as Row<Column>;
  });
}
