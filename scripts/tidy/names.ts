// File names: kebab-case, so that they sort and read alike on every system.
import type { Finding } from "./source.js";

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
/** Names that a tool or a habit of the trade insists on. */
const GIVEN = new Set(["README.md", "Dockerfile", "LICENSES.md"]);
/** Recorded order flow; its file names belong to its format. */
const RECORDED = "scripts/replay/sets/";

/** Files under services/ and scripts/ whose name is not in kebab-case. */
export function checkNames(paths: readonly string[]): Finding[] {
  return paths
    .filter((path) => /^(services|scripts)\//.test(path) && !path.startsWith(RECORDED))
    .filter((path) => path.split("/").some((part) => !KEBAB.test(part) && !GIVEN.has(part)))
    .map((path) => ({ path, line: 0, rule: "names", text: "not in kebab-case" }));
}
