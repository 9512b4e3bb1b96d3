// Which assets there are: those that ever came in, from outside or by an operator's adjustment.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { ADJUSTMENTS_USER_ID, EXTERNAL_USER_ID } from "../core/postings.js";
import { isHeldByAny } from "../io/accounts.js";
import { type Database, read } from "../io/database.js";

const SOURCES = [EXTERNAL_USER_ID, ADJUSTMENTS_USER_ID];

/**
 * A check of assets against the house accounts that all money comes from: refuses with ASSET_NOT_FOUND what
 * never came in. What was once found is not asked for again, since accounts stay.
 */
export function assetCheck(database: Database): (field: string, asset: string) => Promise<void> {
  const known = new Set<string>();
  return async (field, asset) => {
    if (known.has(asset)) return;
    if (!(await read(database, (pool) => isHeldByAny(pool, SOURCES, asset))))
      throw new DomainError("ASSET_NOT_FOUND", { field, asset });
    known.add(asset);
  };
}
