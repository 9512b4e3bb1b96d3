// Who may call a matcher: commands come from the edge, the sweep's question from the settler, and each
// follower speaks for itself only.
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { callersOf } from "@bourse/shared/rpc/callers.js";
import type { MeshIdentity } from "@bourse/shared/rpc/mesh-tls.js";

/** Followers by the process that reports for them. */
const reporters: Readonly<Record<string, readonly MeshIdentity[]>> = {
  wallet: ["settler"],
  projector: ["projector"],
};

export const matcherCallers = [
  callersOf(MatcherService, {
    submit: ["order-gateway"],
    cancel: ["order-gateway"],
    resolve: ["settler"],
    amend: ["order-gateway"],
    cancelAll: ["order-gateway"],
    setSwitch: ["order-gateway"],
    setMarketState: ["order-gateway"],
    commandStream: ["order-gateway"],
    addMarket: ["order-gateway"],
    getOrder: ["order-gateway"],
    getBook: ["auditor"],
    getShardState: ["auditor"],
    listOpenOrders: ["auditor"],
    streamEvents: ["settler", "projector", "market-data"],
    reportCursor: ({ follower }) => reporters[follower] ?? [],
    watchShard: ["order-gateway"],
  }),
];
