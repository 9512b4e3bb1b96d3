// Planted bug, rule 3: what a shard decides leaves at once, its record is written almost half a second later.
import { type Flusher, type FlusherDeps, createFlusher as original } from "../../flow/flusher.js";

const LATER_MS = 400;

/** A flusher for which everything is durable as soon as it is there. */
export function createFlusher(deps: FlusherDeps): Flusher {
  const { log } = deps;
  const slow = new Proxy(log, {
    get: (target, key) => {
      if (key !== "append") {
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async (...entries: Parameters<typeof log.append>) => {
        await new Promise((resolve) => setTimeout(resolve, LATER_MS));
        return target.append(...entries);
      };
    },
  });
  const flusher = original({ ...deps, log: slow });
  return {
    ...flusher,
    durable: () => Promise.resolve(),
    whenDurable: (_seq, then) => then(),
  };
}
