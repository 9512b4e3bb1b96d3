import { readFile } from "node:fs/promises";

/** Text of the settings file as it is now, through whatever links lead to it; undefined when it cannot be read. */
export async function settingsText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    // Whoever reads it for its content says what is wrong with it.
    return undefined;
  }
}
