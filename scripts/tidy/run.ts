// Runs every check of tidy over a tree.
import { execFileSync } from "node:child_process";
import { checkBanned } from "./banned.js";
import { checkFailures } from "./failures.js";
import { checkNames } from "./names.js";
import { checkRooms } from "./rooms.js";
import { checkSizes } from "./sizes.js";
import { type Finding, readSource } from "./source.js";

/** All findings in the files that git knows or would add. */
export function tidy(root: string): Finding[] {
  const listed = execFileSync(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
    {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const deleted = execFileSync("git", ["ls-files", "-z", "--deleted"], { cwd: root, encoding: "utf8" });
  const gone = new Set(deleted.split("\0"));
  const paths = listed.split("\0").filter((path) => path !== "" && !gone.has(path));

  const sources = paths
    .filter((path) => /^(services|scripts)\/.*\.(ts|mjs|js)$/.test(path) && !path.includes("/gen/"))
    .map((path) => readSource(root, path));
  const protoPaths = paths.filter((path) => path.startsWith("proto/bourse/") && path.endsWith(".proto"));
  return [
    ...checkNames(paths),
    ...sources.flatMap((source) => [...checkRooms(source), ...checkSizes(source), ...checkBanned(source)]),
    ...checkFailures(root, protoPaths),
  ];
}
