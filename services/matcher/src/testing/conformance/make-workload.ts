// Workloads of our own in the benchmark's format: a calm market, a crash, a recovery; with modifies, takers,
// stale cancels, ids never issued and ids that are used again.
import { seededRandom } from "@bourse/shared/testing/random.js";
import { CANCEL, type Message, MODIFY, NEW } from "./workload.js";

const MID = 50_000;
/** Ids that were never issued begin here. */
const UNKNOWN_IDS = 10_000_000;
const RECENT = 400;
/** Orders that are still cancelled or modified at most; those before them are left alone. */
const ISSUED_MAX = 5_000;
/** Messages over which the drift of a phase is meant. */
const DRIFT_MESSAGES = 20_000;

/** Messages from a seed. */
export function makeMessages(seed: number, count: number): Message[] {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const messages: Message[] = [];
  /** Orders that may rest; whether they do only a book would know. */
  const issued: { readonly id: bigint; readonly side: 0 | 1 }[] = [];
  /** Ids that were cancelled, so that they surely do not rest. */
  const free = new Set<bigint>();
  let lastId = 0n;
  let mid = MID;
  let drifted = 0;
  let walked = 0;

  const place = (phase: Phase): Message => {
    const side = random() < phase.sellShare ? 1 : 0;
    const isIoc = random() < 0.12;
    const isCrossing = isIoc || random() < 0.06;
    // Most orders rest near the best price, some far away.
    const away = 1 + Math.floor(random() ** 3 * phase.spread);
    const better = isCrossing ? -Math.ceil(away / 2) : away;
    const price = Math.max(1, mid + (side === 1 ? better : -better));
    const id = nextId();
    if (!isIoc || random() < 0.05) issued.push({ id, side });
    if (issued.length > ISSUED_MAX) issued.shift();
    return { type: NEW, side, isIoc, quantity: 1 + below(100), id, price };
  };
  const nextId = () => {
    const [oldest] = free;
    if (oldest !== undefined && free.size > 50 && random() < 0.02) {
      free.delete(oldest);
      return oldest;
    }
    lastId += 1n;
    return lastId;
  };
  const target = () => {
    if (random() < 0.01) return { id: BigInt(UNKNOWN_IDS + below(1_000)), side: 0 as const };
    const back = random() < 0.7 ? below(Math.min(RECENT, issued.length)) : below(issued.length);
    return issued[issued.length - 1 - back];
  };

  for (let index = 0; index < count; index += 1) {
    const phase = phaseAt(index / count);
    drifted += (phase.drift * DRIFT_MESSAGES) / count;
    walked += random() < 0.1 ? below(5) - 2 : 0;
    mid = Math.max(100, MID + Math.trunc(drifted) + walked);
    const dice = random();
    if (issued.length < 200 || dice < 0.52) {
      messages.push(place(phase));
      continue;
    }
    const { id, side } = target();
    if (dice < 0.86) {
      messages.push({ type: CANCEL, side, isIoc: false, quantity: 0, id, price: 0 });
      free.add(id);
      // Now and then it is cancelled or modified once more.
      if (random() < 0.95) remove(issued, id);
    } else {
      const away = below(phase.spread) - 2;
      const price = Math.max(1, mid + (side === 1 ? away : -away));
      messages.push({ type: MODIFY, side, isIoc: false, quantity: 1 + below(150), id, price });
    }
  }
  return messages;
}

function remove(issued: { readonly id: bigint }[], id: bigint): void {
  const at = issued.findLastIndex((order) => order.id === id);
  if (at >= 0) issued.splice(at, 1);
}

interface Phase {
  readonly drift: number;
  readonly sellShare: number;
  /** How far from the middle orders rest at most, in ticks. */
  readonly spread: number;
}

function phaseAt(share: number): Phase {
  if (share < 0.4) return { drift: 0, sellShare: 0.5, spread: 60 };
  if (share < 0.55) return { drift: -9, sellShare: 0.68, spread: 2_000 };
  if (share < 0.7) return { drift: 5, sellShare: 0.42, spread: 800 };
  return { drift: 0, sellShare: 0.5, spread: 120 };
}
