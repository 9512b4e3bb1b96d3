/** Rows to one array per column, for `unnest` in set-based SQL. No rows give `width` empty arrays. */
export function columns<T>(
  rows: readonly T[],
  width: number,
  pick: (row: T) => readonly unknown[],
): unknown[][] {
  const result: unknown[][] = Array.from({ length: width }, () => []);
  for (const row of rows) {
    const cells = pick(row);
    for (let index = 0; index < width; index += 1) result[index]?.push(cells[index]);
  }
  return result;
}
