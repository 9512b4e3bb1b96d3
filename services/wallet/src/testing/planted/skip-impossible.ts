// Planted bug, rule 8: a settlement that cannot be applied is skipped.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { settleBatch as original } from "../../flow/settle.js";
import { moveCursor } from "../../io/cursors.js";
import { transact } from "../../io/database.js";

/** Settles; what does not fit is left out, and the cursor moves on. */
export const settleBatch: typeof original = async (...call) => {
  const [database, batch] = call;
  try {
    return await original(...call);
  } catch (error) {
    if (!(error instanceof DomainError) || error.reason !== "SETTLEMENT_IMPOSSIBLE") throw error;
    await transact(database, (client) => moveCursor(client, batch));
    return batch.through;
  }
};
