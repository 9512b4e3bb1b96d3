// Opens a journal as a start does, and says how long that took and what it came to. Stays until it is ended.
import { serveLines } from "@bourse/shared/testing/line-server.js";
import { openBenchShard } from "./bench-shard.js";

await serveLines({
  async open() {
    const startedAt = performance.now();
    const { shard } = await openBenchShard(process.argv[2] ?? "");
    const recoveredMs = performance.now() - startedAt;
    const { seq, openOrders } = await shard.queries.state();
    return { recoveredMs, seq, openOrders };
  },
});
