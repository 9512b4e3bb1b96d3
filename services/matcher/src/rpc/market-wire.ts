// A market as a message of the contract.
import type { MarketSchema } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Market } from "../core/types.js";
import { marketStates } from "./matcher-words.js";

export function marketInit(market: Market) {
  const { state, feeTiers } = market;
  return { ...market, state: marketStates[state], feeTiers: [...feeTiers] } satisfies MessageInitShape<
    typeof MarketSchema
  >;
}
