// What a person may say to a matcher on its command line; everything else is settings.
import { parseArgs } from "node:util";

/** EX_USAGE. */
const EXIT_USAGE = 64;

export interface Arguments {
  /** Seq of the damage that a person accepts: everything from there on is given up. */
  readonly acceptDataLossAt: number | undefined;
}

/** Ends the process, and says why, when the words cannot be understood. */
export function readArguments(args: readonly string[]): Arguments {
  try {
    const options = { "accept-data-loss": { type: "string" } } as const;
    const { values } = parseArgs({ args: [...args], options });
    const text = values["accept-data-loss"];
    if (text !== undefined && !/^[1-9][0-9]{0,15}$/.test(text)) {
      throw new Error(`--accept-data-loss=${text}: a seq was expected`);
    }
    return { acceptDataLossAt: text === undefined ? undefined : Number(text) };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(EXIT_USAGE);
  }
}
