// Writes the project's own replay sets: npx tsx --conditions=source scripts/replay/make-sets.ts
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { makeSet, recipes } from "./sets-of-ours.js";

const setsFolder = join(dirname(fileURLToPath(import.meta.url)), "sets");

for (const recipe of recipes) {
  const folder = join(setsFolder, recipe.name);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of makeSet(recipe)) {
    if (name.endsWith(".json")) writeFileSync(join(folder, name), text);
    else writeFileSync(join(folder, `${name}.gz`), gzipSync(text, { level: 9 }));
  }
  console.log(`${folder}: ${recipe.seeds} seeds, ${recipe.commands} commands`);
}
