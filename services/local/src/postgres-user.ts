// PostgreSQL refuses to run as root, and initdb wants a user whose name the system knows. Where the caller
// is neither, it runs in a user namespace: inside it is "nobody", outside its files stay the caller's.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { createInterface } from "node:readline";

import { StartError } from "./start-error.js";

/** A program of PostgreSQL that was started. Its standard error is a pipe. */
export interface PostgresProgram {
  readonly child: ChildProcess;
  /** Settles with how it ended: "exit 0", "exit SIGKILL", or why it could not be started. */
  readonly ended: Promise<string>;
}

/** Starts a PostgreSQL program as a user under whom it runs. Fails with a StartError when there is none. */
export async function spawnPostgres(program: string, args: readonly string[]): Promise<PostgresProgram> {
  if (process.platform !== "linux" || (process.getuid?.() !== 0 && hasName())) {
    return watched(spawn(program, args, { ...options, stdio: ["ignore", "ignore", "pipe"] }));
  }
  if (process.getuid?.() !== 0) {
    const user = [`--map-user=${nobody()}`, `--map-group=${nobody()}`];
    const stdio = ["ignore", "ignore", "pipe"] as const;
    return watched(
      spawn("unshare", ["--user", ...user, "--", program, ...args], { ...options, stdio: [...stdio] }),
    );
  }
  return spawnForRoot(program, args);
}

// A session of its own, so that Ctrl-C in the terminal stops the services before their database.
const options = { detached: true, env: { ...process.env, LC_ALL: "C" } } as const;

// Root maps all users into the namespace and keeps its capabilities there. So the server reaches files
// below a home that only its owner may enter, as root itself does.
async function spawnForRoot(program: string, args: readonly string[]): Promise<PostgresProgram> {
  const gate = [
    "/bin/sh",
    "-c",
    'echo entered; read -r word && exec "$@"',
    "bourse-postgres",
    program,
    ...args,
  ];
  const child = spawn("unshare", ["--user", "--keep-caps", "--", ...gate], {
    ...options,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const started = watched(child);
  child.stdin.on("error", () => undefined);
  const refusal = await untilEntered(child);
  if (refusal !== undefined || child.pid === undefined) {
    throw new StartError(
      `PostgreSQL does not run as root, and this system allows root no user namespace (${refusal}); start as an ordinary user`,
    );
  }
  for (const file of ["gid_map", "uid_map"]) writeMap(`/proc/${child.pid}/${file}`);
  child.stdin.end("go\n");
  return started;
}

function watched(child: ChildProcess): PostgresProgram {
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(`exit ${signal ?? code}`));
  });
  return { child, ended };
}

// Why the namespace could not be entered, or undefined.
function untilEntered(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = "";
    const onData = (chunk: Buffer) => {
      said += chunk.toString();
    };
    child.stderr?.on("data", onData);
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code) => resolve(said.trim() || `unshare: exit ${code}`));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once("line", () => {
      child.stderr?.off("data", onData);
      resolve(undefined);
    });
  });
}

// Inside, outside, count: root becomes nobody, everybody else below stays who he is. A container that has
// few users to give maps root alone.
function writeMap(file: string): void {
  const inside = nobody();
  try {
    writeFileSync(file, `1 1 ${inside - 1}\n${inside} 0 1\n`);
  } catch {
    writeFileSync(file, `${inside} 0 1\n`);
  }
}

function hasName(): boolean {
  try {
    return userInfo().username !== "";
  } catch {
    return false;
  }
}

/** A user without rights that the system has a name for. */
function nobody(): number {
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .map(([name, , uid]) => ({ name, uid: Number(uid) }))
    .filter(({ uid }) => uid > 1);
  const uid = users.find(({ name }) => name === "nobody")?.uid ?? users[0]?.uid;
  if (uid === undefined)
    throw new StartError("PostgreSQL does not run as root, and /etc/passwd names no other user");
  return uid;
}
