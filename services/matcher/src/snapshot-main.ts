// Makes one snapshot in a thread of its own and posts what became of it. Reads the journal and the snapshots
// from disk only: nothing is shared with the shard but the processor.
import { parentPort, workerData } from "node:worker_threads";
import { makeSnapshot } from "./flow/make-snapshot.js";
import { sha256 } from "./io/digest.js";
import { createRecordCodec } from "./record/record-codec.js";

/** What the thread is given. */
export interface SnapshotTask {
  readonly directory: string;
  readonly shard: number;
  readonly durableSeq: number;
}

const { directory, shard, durableSeq } = workerData as SnapshotTask;
const codec = createRecordCodec(shard);
parentPort?.postMessage(await makeSnapshot({ directory, shard, durableSeq, codec, hash: sha256 }));
