// The folder that holds all state of an exchange on one machine, and what lies in it.
import { readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";

/** The folder in use: BOURSE_HOME, or `.bourse` in the current directory. */
export function homeFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = env.BOURSE_HOME;
  return resolve(named === undefined || named === "" ? ".bourse" : named);
}

/** Paths inside a home. */
export function pathsOf(home: string) {
  return {
    postgres: join(home, "postgres"),
    logs: join(home, "logs"),
    log: (name: string) => join(home, "logs", `${name}.log`),
    matcher: (shard: number) => join(home, `matcher-${shard}`),
    running: join(home, "running.json"),
  };
}

/** Removes the state in a home; files that are not the exchange's stay, and so does the folder then. */
export async function removeState(home: string): Promise<void> {
  const own = /^(postgres(\.new|\.password)?|logs|keys|running\.json|matcher-[0-9]+)$/;
  const names = await readdir(home).catch(() => [] as string[]);
  for (const name of names.filter((entry) => own.test(entry))) {
    await rm(join(home, name), { recursive: true, force: true });
  }
}
