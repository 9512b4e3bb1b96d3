// Plays a shard in a process of its own: what it remembers of orders and records is no load on the projector's heap.
// Its argument is the shard's number; each message is a number of commands, answered by what they became.
import { MarketSchema } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { toBinary } from "@bufbuild/protobuf";
import { ShardFlow } from "./shard-flow.js";

/** What a number of commands became. */
export interface Played {
  /** Messages of the stream, in bytes. */
  readonly messages: readonly Uint8Array[];
  /** Seq of the last record. */
  readonly endSeq: number;
  /** The shard's market, in bytes. */
  readonly market: Uint8Array;
}

const flow = new ShardFlow(Number(process.argv[2]));
const market = toBinary(MarketSchema, flow.shard.market);
process.on("message", (commands: number) => {
  const messages = flow.play(commands);
  process.send?.({ messages, endSeq: flow.shard.records.length, market } satisfies Played);
});
process.on("disconnect", () => process.exit());
