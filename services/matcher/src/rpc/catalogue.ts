// The market catalogue: as the settings write it, and as the shard takes it.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Market } from "../core/types.js";
import { marketStates } from "./matcher-words.js";
import { checkNewMarket, parseMarket } from "./parse-market.js";

/** Markets of the settings, each checked and in canonical text, in their order; mistakes name their keys. */
export function readCatalogue(markets: readonly Market[]): {
  readonly catalogue: readonly Market[];
  readonly mistakes: readonly string[];
} {
  const mistakes: string[] = [];
  const catalogue = markets.flatMap((market, index) => {
    try {
      const wire = { ...market, state: marketStates[market.state] };
      return [checkNewMarket(parseMarket(wire, market.shard))];
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      mistakes.push(`markets.${index}.${error.facts.field}: ${error.message}`);
      return [];
    }
  });
  return { catalogue, mistakes };
}
