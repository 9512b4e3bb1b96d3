// What goes wrong in a round, drawn from the seed: the same seed and round give the same faults at the same
// times, whatever the exchange does meanwhile.
import { seededRandom } from "@bourse/shared/testing/random.js";

/** Parts that are killed and paused. */
export const TARGETS = [
  "order-gateway",
  "wallet",
  "settler",
  "projector",
  "market-data",
  "matcher-0",
  "matcher-1",
  "postgres",
] as const;

/** A way from one part to another. */
export interface Hop {
  readonly from: string;
  readonly to: string;
}

const hop = (from: string, to: string): Hop => ({ from, to });

const WALLET_DATABASE = hop("wallet", "postgres");

/** Every way of the mesh; each has a proxy of its own. */
export const HOPS: readonly Hop[] = [
  hop("client", "order-gateway"),
  ...["wallet", "market-data", "matcher-0", "matcher-1", "postgres"].map((to) => hop("order-gateway", to)),
  ...["wallet", "matcher-0", "matcher-1"].map((to) => hop("settler", to)),
  ...["matcher-0", "matcher-1", "postgres"].map((to) => hop("projector", to)),
  ...["matcher-0", "matcher-1"].map((to) => hop("market-data", to)),
  WALLET_DATABASE,
];

/** Ways whose messages are also said twice and held back: Reserve, Submit, Settle. */
export const RELAYED: readonly (Hop & { readonly paths: readonly string[] })[] = [
  {
    ...hop("order-gateway", "wallet"),
    paths: ["/bourse.wallet.v1.WalletService/ReserveStream", "/bourse.wallet.v1.WalletService/Reserve"],
  },
  ...["matcher-0", "matcher-1"].map((to) => ({
    ...hop("order-gateway", to),
    paths: ["/bourse.matcher.v1.MatcherService/CommandStream", "/bourse.matcher.v1.MatcherService/Submit"],
  })),
  { ...hop("settler", "wallet"), paths: ["/bourse.wallet.v1.WalletService/Settle"] },
];

/** What goes wrong, without its time. */
type What =
  /** kill -9, and a start of the same process so much later. */
  | { readonly kind: "kill"; readonly target: string }
  /** SIGSTOP, and SIGCONT so much later. */
  | { readonly kind: "pause"; readonly target: string }
  /** PostgreSQL's immediate shutdown, and its start. */
  | { readonly kind: "restart"; readonly target: "postgres" }
  /** Every connection of the way ends at once. */
  | { readonly kind: "cut"; readonly hop: Hop }
  | { readonly kind: "delay"; readonly hop: Hop; readonly ms: number }
  /** Half-open: what is sent vanishes. */
  | { readonly kind: "silent"; readonly hop: Hop; readonly swallows: "both" | "requests" | "answers" }
  /** Connections are refused. */
  | { readonly kind: "closed"; readonly hop: Hop }
  /** PostgreSQL's connections are cut at COMMIT, before it arrives or before its answer. */
  | { readonly kind: "commit"; readonly hop: Hop; readonly cut: "before" | "after"; readonly times: number }
  /** Messages arrive twice, the second time so much later. */
  | { readonly kind: "repeat"; readonly hop: Hop; readonly count: number; readonly afterMs: number }
  /** Messages arrive so much later. */
  | { readonly kind: "hold"; readonly hop: Hop; readonly count: number; readonly ms: number }
  /** Messages of earlier rounds arrive once more. */
  | { readonly kind: "past"; readonly hop: Hop; readonly count: number };

/** A fault: what, when in the round, and for how long. */
export type Fault = What & { readonly atMs: number; readonly forMs: number };
export type FaultKind = Fault["kind"];

/** No fault begins later in a round. */
const BEGIN_MS_MAX = 4_000;

/** The faults of a round, by the time at which they begin. */
export function planRound(seed: number, round: number): Fault[] {
  const draw = new Draw(seededRandom((Math.imul(seed, 0x9e3779b1) ^ Math.imul(round, 0x85ebca6b)) >>> 0));
  return [...draw.ofParts(), ...draw.ofWays(), ...draw.ofMessages()].sort((a, b) => a.atMs - b.atMs);
}

class Draw {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Kills and pauses: each part suffers one of them at most, so that none is killed while it is paused. */
  ofParts(): Fault[] {
    const targets = this.#shuffled(TARGETS);
    const kills = this.#between(3, 4);
    const pauses = this.#between(2, 3);
    return targets.slice(0, kills + pauses).map((target, index): Fault => {
      const when = { atMs: this.#between(0, BEGIN_MS_MAX), forMs: this.#between(50, 1_500) };
      if (index >= kills) return { ...when, kind: "pause", target, forMs: this.#between(200, 4_000) };
      if (target === "postgres" && this.#random() < 0.5) return { ...when, kind: "restart", target };
      return { ...when, kind: "kill", target };
    });
  }

  ofWays(): Fault[] {
    const databases = HOPS.filter(({ to }) => to === "postgres");
    const ways = this.#shuffled(HOPS)
      .slice(0, this.#between(2, 4))
      .map((each) => this.#ofWay(each));
    const commit: Fault = {
      kind: "commit",
      // Most COMMITs that matter are the wallet's.
      hop: this.#random() < 0.5 ? WALLET_DATABASE : this.#oneOf(databases),
      cut: this.#random() < 0.5 ? "before" : "after",
      times: this.#between(1, 4),
      atMs: this.#between(0, BEGIN_MS_MAX),
      forMs: 4_000,
    };
    // A way has one state at a time.
    return [commit, ...ways.filter((fault) => fault.hop !== commit.hop)];
  }

  #ofWay(way: Hop): Fault & { readonly hop: Hop } {
    const when = { hop: way, atMs: this.#between(0, BEGIN_MS_MAX), forMs: this.#between(200, 3_000) };
    const turn = this.#random();
    if (turn < 0.35) return { ...when, kind: "cut" };
    if (turn < 0.6) return { ...when, kind: "delay", ms: this.#between(5, 400) };
    if (turn < 0.75) return { ...when, kind: "closed" };
    return { ...when, kind: "silent", swallows: this.#oneOf(["both", "requests", "answers"] as const) };
  }

  ofMessages(): Fault[] {
    return this.#shuffled(RELAYED)
      .slice(0, this.#between(2, 3))
      .map(({ from, to }): Fault => {
        const way = HOPS.find((each) => each.from === from && each.to === to) ?? hop(from, to);
        const when = { hop: way, atMs: this.#between(0, BEGIN_MS_MAX), forMs: 0 };
        const turn = this.#random();
        const count = this.#between(5, 40);
        if (turn < 0.5) return { ...when, kind: "repeat", count, afterMs: this.#between(0, 3_000) };
        if (turn < 0.75)
          return { ...when, kind: "hold", count: this.#between(1, 5), ms: this.#between(50, 800) };
        return { ...when, kind: "past", count };
      });
  }

  #between(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1));
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }

  #shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((value) => ({ value, order: this.#random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ value }) => value);
  }
}

/** A fault in words, for whoever looks at a round. */
export function faultText(fault: Fault): string {
  const { kind, atMs, forMs } = fault;
  const where = "hop" in fault ? `${fault.hop.from} → ${fault.hop.to}` : fault.target;
  const { atMs: _at, forMs: _for, kind: _kind, ...rest } = fault;
  const details = Object.entries(rest)
    .filter(([name]) => name !== "hop" && name !== "target")
    .map(([name, value]) => `${name} ${value}`);
  return [`${atMs} ms: ${kind} ${where}`, ...(forMs > 0 ? [`for ${forMs} ms`] : []), ...details].join(", ");
}
