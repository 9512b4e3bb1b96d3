// A way to PostgreSQL that breaks when a test says so: before a COMMIT arrives, after it but before its
// answer, or altogether.
import { openFaultProxy, type WayState } from "@bourse/shared/testing/fault-proxy.js";

/** What happens to connections from now on; "everything" is for as long as it stands. */
export type Cut = "nothing" | "before commit" | "after commit" | "everything";

/** A proxy in front of a database. */
export interface CutProxy {
  readonly url: string;
  /** Breaks what the mode says; at COMMIT `times` times. */
  cut(mode: Cut, times?: number): void;
  /** Cuts at COMMIT that have happened. */
  count(): number;
  close(): Promise<void>;
}

/** Opens a proxy to the database of a URL. */
export async function openCutProxy(databaseUrl: string): Promise<CutProxy> {
  const url = new URL(databaseUrl);
  const proxy = await openFaultProxy();
  proxy.lead(Number(url.port));
  url.host = `127.0.0.1:${proxy.port}`;
  return {
    url: url.href,
    cut: (mode, times = 1) => proxy.set(stateOf(mode, times)),
    count: () => proxy.commitsCut,
    close: () => proxy.close(),
  };
}

function stateOf(mode: Cut, times: number): WayState {
  switch (mode) {
    case "nothing":
      return { type: "open" };
    case "everything":
      return { type: "closed" };
    case "before commit":
      return { type: "commit", cut: "before", times };
    case "after commit":
      return { type: "commit", cut: "after", times };
  }
}
