// Why a shard does not start, for the person who reads the last line of its log.
import { ConfigError, EXIT_BAD_SETTINGS } from "@bourse/shared/runtime/config.js";
import { DirectoryLocked } from "../io/directory-lock.js";
import { JournalRefused } from "../io/segment.js";

/** EX_DATAERR: the journal is damaged or of a newer version, a person must decide. */
const EXIT_JOURNAL_REFUSED = 65;

export interface Refusal {
  readonly exitCode: number;
  readonly message: string;
  readonly facts: Readonly<Record<string, string | number>>;
}

/** The refusal that an error of the start stands for; undefined when it is a fault of ours. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof ConfigError) {
    return { exitCode: EXIT_BAD_SETTINGS, message: error.message, facts: {} };
  }
  if (error instanceof DirectoryLocked) return { exitCode: 1, message: error.message, facts: {} };
  if (error instanceof JournalRefused) {
    const { file, offset, seq, message } = error;
    return { exitCode: EXIT_JOURNAL_REFUSED, message, facts: { file, offset, seq } };
  }
  // A volume that is read-only, full, or of another user.
  const { code, syscall } = error as Partial<NodeJS.ErrnoException>;
  if (!(error instanceof Error) || code === undefined || syscall === undefined) return undefined;
  return { exitCode: 1, message: `the data directory cannot be used: ${error.message}`, facts: { code } };
}
