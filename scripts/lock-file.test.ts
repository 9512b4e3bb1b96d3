import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8")) as {
  readonly packages: Readonly<Record<string, Entry>>;
};

// As node resolves: in the package's own node_modules, then outwards.
function isInstalled(from: string, name: string): boolean {
  const folders = from.split("/node_modules/");
  return (
    folders.some((_, depth) => {
      const at = folders.slice(0, folders.length - depth).join("/node_modules/");
      return lock.packages[`${at}/node_modules/${name}`] !== undefined;
    }) || lock.packages[`node_modules/${name}`] !== undefined
  );
}

test("the lock file names every package of every platform, else npm ci refuses it", () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !isInstalled(path, name))
      .map((name) => `${path} needs ${name}`),
  );
  expect(missing).toEqual([]);
});

test("the lock file names no registry, so that it works with any", () => {
  const hosts = Object.entries(lock.packages).filter(
    ([, { link, resolved }]) => link !== true && resolved?.startsWith("http"),
  );
  expect(hosts).toEqual([]);
});
