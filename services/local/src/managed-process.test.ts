import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "./free-port.js";
import { ManagedProcess } from "./managed-process.js";

let folder: string;
const started: ManagedProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bourse-managed-"));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.stop()));
  await rm(folder, { recursive: true, force: true });
});

const serve = (answers: string) => `
  const answers = ${answers};
  require("node:http").createServer((request, response) => {
    response.statusCode = answers.length > 1 ? answers.shift() : answers[0];
    response.end("not yet");
  }).listen(Number(process.env.PORT), "127.0.0.1");
`;

async function managed(script: string): Promise<{ child: ManagedProcess; unasked: Promise<string> }> {
  const port = await freePort();
  let tell: (how: string) => void = () => undefined;
  const unasked = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const plan = {
    name: "sample",
    args: ["-e", script],
    env: { PORT: `${port}` },
    ports: { admin: port },
    logFile: join(folder, "sample.log"),
  };
  const child = new ManagedProcess(plan, (_, how) => tell(how));
  started.push(child);
  return { child, unasked };
}

test("ready is what the process says, not that it listens", async () => {
  const { child } = await managed(serve("[503, 503, 503, 200]"));
  child.start();
  expect(await child.untilReady()).toBeGreaterThan(0);
  await child.stop();
  expect(child.isRunning).toBe(false);
});

test("a process that ends while starting is reported with its last words and its log", async () => {
  const { child } = await managed(
    `console.error(JSON.stringify({ msg: "no way", err: { message: "disk is full" } })); process.exit(65)`,
  );
  child.start();
  await expect(child.untilReady()).rejects.toThrow(
    /sample ended while starting \(exit code 65\):\n {2}no way: disk is full\n {2}log: .*sample\.log/,
  );
});

test("an end that nobody asked for is told, an end that was asked for is not", async () => {
  const { child, unasked } = await managed(serve("[200]"));
  child.start();
  await child.untilReady();
  process.kill(child.identity?.pid ?? 0, "SIGKILL");
  expect(await unasked).toBe("SIGKILL");

  const asked = await managed(serve("[200]"));
  asked.child.start();
  await asked.child.untilReady();
  await asked.child.kill("SIGKILL");
  expect(await Promise.race([asked.unasked, Promise.resolve("nothing told")])).toBe("nothing told");
});

test("a process started again keeps the log of the run before", async () => {
  const { child } = await managed(`console.log("run " + process.pid); ${serve("[200]")}`);
  child.start();
  await child.untilReady();
  const pid = child.identity?.pid;
  await child.kill("SIGKILL");
  child.start();
  await child.untilReady();
  expect(await readFile(join(folder, "sample.log.1"), "utf8")).toBe(`run ${pid}\n`);
});
