// The ways of an exchange under chaos: a proxy on every hop, and a relay behind those whose messages are said twice.
import { type FaultProxy, openFaultProxy } from "@bourse/shared/testing/fault-proxy.js";
import { openRepeatingRelay, type RepeatingRelay } from "@bourse/shared/testing/repeating-relay.js";
import { HOPS, type Hop, RELAYED } from "./plan.js";

/** A hop and what stands in it. */
export interface Way {
  readonly hop: Hop;
  readonly proxy: FaultProxy;
  readonly relay: RepeatingRelay | undefined;
}

/** All ways of one exchange. */
export interface Ways {
  of(hop: Hop): Way;
  /** The port by which `from` reaches `to`: its way's, which from now on leads to `port`. */
  reach(from: string, to: string, port: number): number;
  /** Messages that are held back or will still be repeated. */
  pending(): number;
  /** COMMITs that were cut, messages that were repeated and held back, so far. */
  struck(): { readonly commits: number; readonly repeats: number; readonly held: number };
  /** Opens every way again. */
  heal(): void;
  close(): Promise<void>;
}

/** Opens the ways; they lead nowhere until they are reached for. */
export async function openWays(): Promise<Ways> {
  const ways = new Map<string, Way>();
  for (const hop of HOPS) {
    const relayed = RELAYED.find(({ from, to }) => from === hop.from && to === hop.to);
    const relay = relayed === undefined ? undefined : await openRepeatingRelay(relayed.paths);
    ways.set(keyOf(hop), { hop, proxy: await openFaultProxy(), relay });
  }
  return {
    of: (hop) => {
      const way = ways.get(keyOf(hop));
      if (way === undefined) throw new Error(`no way ${keyOf(hop)}`);
      return way;
    },
    reach: (from, to, port) => {
      const way = ways.get(keyOf({ from, to }));
      if (way === undefined) return port;
      way.relay?.lead(port);
      way.proxy.lead(way.relay?.port ?? port);
      return way.proxy.port;
    },
    pending: () => [...ways.values()].reduce((sum, { relay }) => sum + (relay?.pending ?? 0), 0),
    struck: () => {
      const sum = (count: (way: Way) => number) =>
        [...ways.values()].reduce((total, way) => total + count(way), 0);
      return {
        commits: sum(({ proxy }) => proxy.commitsCut),
        repeats: sum(({ relay }) => relay?.repeats ?? 0),
        held: sum(({ relay }) => relay?.held ?? 0),
      };
    },
    heal: () => {
      for (const { proxy } of ways.values()) proxy.set({ type: "open" });
    },
    close: async () => {
      for (const { proxy, relay } of ways.values()) {
        await proxy.close();
        await relay?.close();
      }
    },
  };
}

function keyOf({ from, to }: Hop): string {
  return `${from} → ${to}`;
}
