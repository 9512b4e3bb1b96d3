/** Which epoch each seq belongs to: a position is known by both. */
export interface Epochs {
  /** Notes a record; epochs and seqs rise. */
  note(epoch: number, seq: number): void;
  /** Epoch of a record; 0 for seq 0, undefined behind the last. */
  at(seq: number): number | undefined;
}

export function createEpochs(): Epochs {
  const starts: { readonly epoch: number; readonly seq: number }[] = [{ epoch: 0, seq: 0 }];
  let lastSeq = 0;
  return {
    note(epoch, seq) {
      lastSeq = seq;
      if (starts.at(-1)?.epoch !== epoch) starts.push({ epoch, seq });
    },
    at: (seq) => (seq > lastSeq ? undefined : starts.findLast((start) => start.seq <= seq)?.epoch),
  };
}
