// Opens a journal as a start does, and says how long that took and what it came to. Stays until it is ended.
import { serveLines } from "@bourse/shared/testing/line-server.js";
import { openCountOf } from "../../core/shard.js";
import { listSnapshots } from "../../io/snapshot-file.js";
import { openBenchShard } from "./bench-shard.js";

const [folder = ""] = process.argv.slice(2);

await serveLines({
  async open() {
    const [snapshotSeq = 0] = await listSnapshots(folder);
    const startedAt = performance.now();
    const { shard } = await openBenchShard(folder);
    const recoveredMs = performance.now() - startedAt;
    const { value, seq } = await shard.sequencer.query(openCountOf);
    return { recoveredMs, seq, openOrders: value, snapshotSeq };
  },
});
