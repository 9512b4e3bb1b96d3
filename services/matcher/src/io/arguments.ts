// What a person may say to a matcher on its command line; everything else is settings.
import { parseArgs } from "node:util";
import { ConfigError, refuseSettings } from "@bourse/shared/runtime/config.js";

export interface Arguments {
  /** Seq of the damage that a person accepts: everything from there on is given up. */
  readonly acceptDataLossAt: number | undefined;
}

/** Ends the process, and says why, when the words cannot be understood. */
export function readArguments(args: readonly string[]): Arguments {
  try {
    // The second is answered where the settings are read.
    const options = { "accept-data-loss": { type: "string" }, check: { type: "boolean" } } as const;
    const { values } = parseArgs({ args: [...args], options });
    const text = values["accept-data-loss"];
    if (text !== undefined && !/^[1-9][0-9]{0,15}$/.test(text)) {
      throw new Error(`--accept-data-loss: a seq was expected, not "${text}"`);
    }
    return { acceptDataLossAt: text === undefined ? undefined : Number(text) };
  } catch (error) {
    return refuseSettings(new ConfigError([error instanceof Error ? error.message : String(error)]));
  }
}
