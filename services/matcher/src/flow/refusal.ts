// Why a shard does not start, for the person who reads the last line of its log.
import { ConfigError, EXIT_BAD_SETTINGS } from "@bourse/shared/runtime/config.js";
import { DirectoryLocked } from "../io/directory-lock.js";
import { JournalRefused, type RefusalKind } from "../io/segment.js";

/** Exit codes of a journal that is refused, named as in sysexits.h: each asks another thing of a person. */
const EXIT_CODES: Readonly<Record<RefusalKind, number>> = {
  // EX_DATAERR
  damaged: 65,
  // EX_NOINPUT
  foreign: 66,
  // EX_SOFTWARE
  differs: 70,
  // EX_PROTOCOL
  newer: 76,
};

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
    const { kind, file, offset, seq, message } = error;
    return { exitCode: EXIT_CODES[kind], message, facts: { file, offset, seq } };
  }
  // A volume that is read-only, full, or of another user.
  const { code, syscall } = error as Partial<NodeJS.ErrnoException>;
  if (!(error instanceof Error) || code === undefined || syscall === undefined) return undefined;
  return { exitCode: 1, message: `the data directory cannot be used: ${error.message}`, facts: { code } };
}
