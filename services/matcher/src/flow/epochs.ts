/** Where an epoch began. */
export interface EpochStart {
  readonly epoch: number;
  readonly seq: number;
}

/** Which epoch each seq belongs to: a position is known by both. */
export interface Epochs {
  /** Notes a record; epochs and seqs rise. */
  note(epoch: number, seq: number): void;
  /** Epoch of a record; 0 for seq 0, undefined behind the last. */
  at(seq: number): number | undefined;
  /** All epochs so far, for a snapshot. */
  starts(): readonly EpochStart[];
}

/** Goes on from what a snapshot at a seq says; without one from nothing. */
export function createEpochs(
  known: { starts: readonly EpochStart[]; seq: number } = { starts: [], seq: 0 },
): Epochs {
  const starts = known.starts.length > 0 ? [...known.starts] : [{ epoch: 0, seq: 0 }];
  let lastSeq = known.seq;
  let lastEpoch = starts[starts.length - 1].epoch;
  return {
    note(epoch, seq) {
      lastSeq = seq;
      if (epoch === lastEpoch) return;
      lastEpoch = epoch;
      starts.push({ epoch, seq });
    },
    at: (seq) => (seq > lastSeq ? undefined : starts.findLast((start) => start.seq <= seq)?.epoch),
    starts: () => starts,
  };
}
