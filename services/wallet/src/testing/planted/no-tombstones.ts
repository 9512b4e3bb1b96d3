// Planted bug, rule 5: the end of an order or leg that the wallet never saw leaves no CLOSED row behind.
/** Writes nothing. */
export function insertTombstones(): Promise<void> {
  return Promise.resolve();
}
