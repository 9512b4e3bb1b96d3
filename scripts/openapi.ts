// `npm run openapi`: proto/openapi/openapi.yaml from the contracts.
//
// The generator is a Go program (gnostic's protoc-gen-openapi). It is taken from the PATH, or built
// into a temporary folder when Go is there. The document is committed, so only who changes a public
// contract needs this.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parse, stringify } from "yaml";
import { refine } from "./openapi/refine.js";

const GENERATOR = "github.com/google/gnostic/cmd/protoc-gen-openapi@v0.7.1";
const DOCUMENT = "proto/openapi/openapi.yaml";
const HEADER = "# Generated from proto/ by `npm run openapi`; do not edit.\n";

const folder = mkdtempSync(join(tmpdir(), "openapi-"));
try {
  const path = `${generatorFolder(folder)}${delimiter}${process.env.PATH ?? ""}`;
  const args = ["generate", "--template", "buf.gen.openapi.yaml", "-o", folder];
  execFileSync("node_modules/.bin/buf", args, { stdio: "inherit", env: { ...process.env, PATH: path } });
  const refined = refine(parse(readFileSync(join(folder, DOCUMENT), "utf8")));
  writeFileSync(
    DOCUMENT,
    HEADER + stringify(refined, { lineWidth: 0, blockQuote: "literal", aliasDuplicateObjects: false }),
  );
  console.log(`${DOCUMENT}: ${Object.keys(refined.paths).length} paths`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Folder that holds the generator; the empty text when the PATH does. */
function generatorFolder(into: string): string {
  const folders = (process.env.PATH ?? "").split(delimiter);
  if (folders.some((each) => each !== "" && existsSync(join(each, "protoc-gen-openapi")))) return "";
  console.log(`building ${GENERATOR}`);
  execFileSync("go", ["install", GENERATOR], {
    stdio: "inherit",
    env: { ...process.env, GOBIN: into, CGO_ENABLED: "0" },
  });
  return into;
}
