import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the repository, whether this file runs compiled or as a source. */
export function repoRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "services", "matcher", "package.json"))) return folder;
    if (folder === dirname(folder)) throw new Error("the repository's folder is not above this file");
  }
}
