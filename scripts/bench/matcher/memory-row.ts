// Memory of a resting order: all that grows with it, in the heap and in typed arrays.
import type { Bench } from "./bench.js";
import { atMost, type Figure } from "./table.js";

const MUST = 128;
const STRETCH = 80;

interface Grown {
  readonly orders: number;
  readonly heapBytes: number;
  readonly bufferBytes: number;
  /** Part of the typed arrays that is room to grow: reserved, not touched yet. */
  readonly spareBytes: number;
  /** What the whole process grew by, as the system sees it. */
  readonly residentBytes: number;
}

export async function memoryRows(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const orders of [100_000, 1_000_000]) {
    const bare = await grown(bench, orders, "bare");
    const withText = await grown(bench, orders, "text");
    const per = (each: Grown) => (each.heapBytes + each.bufferBytes - each.spareBytes) / orders;
    const show = (bytes: number) => `${(bytes / orders).toFixed(1)} B`;
    figures.push({
      what: `memory per resting order, ${orders / 1_000} k resting`,
      must: `${MUST} B`,
      stretch: `${STRETCH} B`,
      measured:
        `${per(bare).toFixed(1)} B, ${per(withText).toFixed(1)} B with a client order id of 15 characters; ` +
        `room to grow ${show(bare.spareBytes)}, process grew by ${show(bare.residentBytes)}`,
      grade: atMost(per(bare), MUST, STRETCH),
    });
  }
  return figures;
}

/** In a process of its own: nothing of an earlier run lies in its heap. */
async function grown(bench: Bench, orders: number, text: string): Promise<Grown> {
  const player = await bench.start("bourse", "core-cost", ["-"], ["--expose-gc"]);
  try {
    return await player.ask<Grown>(`resting ${orders} ${text}`);
  } finally {
    await player.close();
  }
}
