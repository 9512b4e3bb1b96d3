// The whole exchange on this machine until Ctrl-C. Called by start.mjs, which has built it.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { homeFolder } from "@bourse/local/home.js";
import { type Mesh, startMesh } from "@bourse/local/mesh.js";
import { StartError } from "@bourse/local/start-error.js";
import { recordingOf, runBots } from "./dev/bots.js";
import { balancesOf, grant } from "./dev/grants.js";
import { partsTable, type ShownUser, usersAndCommands } from "./dev/report.js";
import { botGrants, demoGrants, namedUsers } from "./dev/users.js";

const help = `npm start [-- options]

  Starts the whole exchange on this machine and keeps it running until Ctrl-C.

  --flow <folder>    follow recorded depth and trades (btcusdt.jsonl.gz, ...) instead of seeded bots
  --no-demo          no bots: nothing happens but what you do
  --settings <file>  settings to use instead of services/local/bourse.yaml
  --help             this text

  State is kept in .bourse, or in the folder named by BOURSE_HOME; npm run reset removes it.`;

const optionsOf = {
  flow: { type: "string" },
  demo: { type: "boolean", default: true },
  settings: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

/** Runs until a signal or a failure; settles when everything is stopped. Fails with a StartError. */
export async function dev(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  if (options.help) return console.log(help);
  checkFlow(options.flow);
  const stop = stopSignal();
  const home = homeFolder();
  console.log(`Bourse starts on ${home}`);
  const begin = performance.now();
  const mesh = await startMesh({
    home,
    ports: "default",
    signal: stop.signal,
    ...(options.settings === undefined ? {} : { settingsFile: options.settings }),
    onProgress: (part, ms) =>
      ms !== undefined && console.log(`  ${part.padEnd(14)} ready after ${(ms / 1_000).toFixed(1)} s`),
  });
  await serve(mesh, options, stop, performance.now() - begin);
}

// Between ready and stopped.
async function serve(mesh: Mesh, options: ReturnType<typeof parseOptions>, stop: StopSignal, tookMs: number) {
  const bots = new AbortController();
  let failure: StartError | undefined;
  try {
    const work = demo(mesh, options, bots.signal, tookMs);
    failure = await Promise.race([
      stop.asked.then(() => undefined),
      mesh.failed,
      work.then(() => mesh.failed),
    ]);
  } catch (error) {
    failure =
      error instanceof StartError
        ? error
        : new StartError(`the demo failed: ${String(error)}`, { cause: error });
  } finally {
    console.log(failure === undefined ? "\nstopping ..." : "\nsomething ended; stopping the rest ...");
    bots.abort();
    await mesh.stop();
  }
  if (failure !== undefined) throw failure;
  console.log(`stopped; npm start goes on from ${mesh.home}`);
}

async function demo(
  mesh: Mesh,
  options: ReturnType<typeof parseOptions>,
  signal: AbortSignal,
  tookMs: number,
): Promise<void> {
  const { grpcAddress: address } = mesh.running;
  await grant(mesh.home, address, [...demoGrants(), ...(options.demo ? botGrants() : [])]);
  const users = await Promise.all(["alice", "bob", "operator"].map((name) => shownUser(mesh, name)));
  console.log(`\n${partsTable(mesh)}\n\n${usersAndCommands(mesh, users, options.demo)}`);
  console.log(
    `\nready after ${(tookMs / 1_000).toFixed(1)} s; API page ${mesh.running.httpUrl}/docs; logs ${mesh.home}/logs; Ctrl-C stops\n`,
  );
  if (options.demo) await runBots({ home: mesh.home, address, flowFolder: options.flow, signal });
}

async function shownUser(mesh: Mesh, name: string): Promise<ShownUser> {
  const claims = namedUsers[name];
  if (claims === undefined) throw new Error(`no user ${name}`);
  const token = await mesh.token(claims);
  return { name, userId: claims.userId, token, balances: await balancesOf(mesh.running.grpcAddress, token) };
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionsOf, allowNegative: true, strict: true }).values;
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n\n${help}`, { cause: error });
  }
}

function checkFlow(folder: string | undefined): void {
  if (folder === undefined) return;
  if (!existsSync(folder)) throw new StartError(`--flow: there is no folder ${folder}`);
  const symbols = ["BTC/USDT", "ETH/USDT", "XRP/USDT"];
  if (symbols.every((symbol) => recordingOf(folder, { symbol }) === undefined)) {
    throw new StartError(`--flow: no recording in ${folder}; expected files like btcusdt.jsonl.gz`);
  }
}

interface StopSignal {
  readonly signal: AbortSignal;
  readonly asked: Promise<void>;
}

// npm passes the terminal's Ctrl-C on, so one press may arrive twice; only a later one is impatience.
function stopSignal(): StopSignal {
  const controller = new AbortController();
  let firstAtMs = 0;
  const asked = new Promise<void>((resolve) => {
    const onSignal = () => {
      if (firstAtMs === 0) {
        firstAtMs = performance.now();
        controller.abort();
        resolve();
      } else if (performance.now() - firstAtMs > 2_000) {
        console.log("not waiting any longer; what still runs ends by itself");
        process.exit(130);
      }
    };
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  });
  // A closed terminal must not break the orderly stop.
  process.stdout.on("error", () => undefined);
  return { signal: controller.signal, asked };
}
