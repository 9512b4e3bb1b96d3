// Statements whose conditions depend on what was asked. Each set of conditions is one prepared statement.

let latestMs = Number.NaN;
let latestText = "";

/** Time as PostgreSQL reads it, exact to the millisecond. Rows in a row often have the same. */
export function timeOf(ms: number): string {
  if (ms !== latestMs) {
    latestText = new Date(ms).toISOString();
    latestMs = ms;
  }
  return latestText;
}

/** Milliseconds since 1970 UTC of a timestamptz column, as a whole number. */
export function millis(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000)::bigint`;
}

/** Conditions with their values, and the name that follows from which conditions there are. */
export class Where {
  readonly #names: string[];
  readonly #conditions: string[] = [];
  readonly #values: unknown[] = [];

  constructor(name: string) {
    this.#names = [name];
  }

  /** Adds a condition; `text` gets one placeholder for each value. */
  add(name: string, text: (...placeholders: string[]) => string, ...values: unknown[]): void {
    this.#names.push(name);
    this.#conditions.push(text(...values.map((value) => `$${this.#values.push(value)}`)));
  }

  /** The whole statement; its text gets all conditions and the placeholder of the row limit. */
  statement(
    text: (conditions: string, limit: string) => string,
    limit: number,
  ): { name: string; text: string; values: unknown[] } {
    const values = [...this.#values, limit];
    return {
      name: this.#names.join("_"),
      text: text(this.#conditions.join(" AND "), `$${values.length}`),
      values,
    };
  }
}
